"""Probabilistically bounded staleness: how often a read of a partial quorum sees the last write.

After Bailis et al., "Probabilistically Bounded Staleness for Practical Partial Quorums" (VLDB
2012). Three engines answer the same question: Monte Carlo over the delays, an oracle that averages
exact conditional probabilities, and the `dynamo` protocol itself, message by message.
"""
