"""One tab of a browser: what a person does with a page, and what the page does meanwhile."""

from __future__ import annotations

import base64
import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from websockets.sync.client import connect

ANSWER_SECONDS = 30.0
KEYS = {
    "Tab": 9,
    "Enter": 13,
    "Escape": 27,
    "End": 35,
    "Home": 36,
    "ArrowLeft": 37,
    "ArrowUp": 38,
    "ArrowRight": 39,
    "ArrowDown": 40,
    "/": 191,
}


class Page:
    """A tab, and all that it logged, threw and asked the network for."""

    def __init__(self, url: str) -> None:
        self.errors: list[str] = []
        self._requests: dict[str, str] = {}
        self._events: list[str] = []
        self._number = 0
        self._stack = ExitStack()
        self._socket = self._stack.enter_context(connect(url, max_size=None))
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.call("Page.close")
        self._stack.close()

    # --- looking ----------------------------------------------------------------------------

    @property
    def requests(self) -> list[str]:
        """What was asked for, but for what the page's own policy stopped."""
        return list(self._requests.values())

    def open(self, path: Path) -> None:
        """Open a file, and return when it is loaded."""
        self._events.clear()
        self._requests.clear()
        self.call("Page.navigate", url=path.as_uri())
        while "Page.loadEventFired" not in self._events:
            self._receive()

    def evaluate(self, expression: str) -> Any:
        """Return what a JavaScript expression is; raise what it throws."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if problem := answer.get("exceptionDetails"):
            raise AssertionError(problem["exception"]["description"])
        return answer["result"].get("value")

    def text(self, selector: str) -> str:
        """Return what an element shows."""
        return str(self.evaluate(f"document.querySelector({json.dumps(selector)}).innerText"))

    def texts(self, selector: str) -> list[str]:
        """Return the text of every element that is not hidden."""
        every = f"[...document.querySelectorAll({json.dumps(selector)})]"
        return list(
            self.evaluate(f"{every}.filter(e => e.checkVisibility()).map(e => e.textContent)")
        )

    def screenshot(self, path: Path) -> None:
        """Save the whole page as a PNG file."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = size | {"scale": 1}
        answer = self.call("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
        path.write_bytes(base64.b64decode(answer["data"]))

    # --- doing ------------------------------------------------------------------------------

    def hover(self, selector: str) -> None:
        x, y = self._middle(selector)
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def click(self, selector: str) -> None:
        x, y = self._middle(selector)
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def tap(self, selector: str) -> None:
        x, y = self._middle(selector)
        self.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
        self.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def press(self, key: str) -> None:
        code = KEYS[key]
        for kind in ("rawKeyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code)

    def write(self, text: str) -> None:
        """Type text into what has the focus."""
        self.call("Input.insertText", text=text)

    # --- the window -------------------------------------------------------------------------

    def resize(self, width: int, height: int, *, touch: bool = False) -> None:
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=touch,
        )
        self.call("Emulation.setTouchEmulationEnabled", enabled=touch)

    def set_dark(self, dark: bool) -> None:
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def set_scripts(self, enabled: bool) -> None:
        self.call("Emulation.setScriptExecutionDisabled", value=not enabled)

    # --- the protocol -----------------------------------------------------------------------

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command of the DevTools protocol and return its result."""
        self._number += 1
        number = self._number
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while (message := self._receive()).get("id") != number:
            pass
        if "error" in message:
            raise AssertionError(f"{method}: {message['error']['message']}")
        return dict(message["result"])

    def _middle(self, selector: str) -> tuple[float, float]:
        box = self.evaluate(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            " e.scrollIntoView({block: 'center', inline: 'center'});"
            " const {x, y, width, height} = e.getBoundingClientRect();"
            " return [x + width / 2, y + height / 2]; })()"
        )
        return box[0], box[1]

    def _receive(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self._socket.recv(timeout=ANSWER_SECONDS))
        if method := message.get("method"):
            self._events.append(method)
            self._note(method, message["params"])
        return message

    def _note(self, event: str, details: Any) -> None:
        if event == "Network.requestWillBeSent":
            self._requests[details["requestId"]] = details["request"]["url"]
        elif event == "Network.loadingFailed" and details.get("blockedReason") == "csp":
            del self._requests[details["requestId"]]
        elif event == "Runtime.exceptionThrown":
            self.errors.append(str(details["exceptionDetails"]))
        elif event == "Runtime.consoleAPICalled":
            self.errors.append(str(details["args"]))
        elif event == "Log.entryAdded":
            self.errors.append(details["entry"]["text"])
        elif event == "Page.javascriptDialogOpening":
            self.errors.append(f"dialog: {details['message']}")
            self._socket.send(
                json.dumps(
                    {"id": 0, "method": "Page.handleJavaScriptDialog", "params": {"accept": True}}
                )
            )
