"""Running a cluster many times, with clients on it and trouble around it, and judging each run."""
