"""Settings in a store's URL, read with types, defaults and clear errors."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import SplitResult, parse_qsl, urlsplit

from etagere.errors import ConfigurationError

if TYPE_CHECKING:
    import ssl

_TRUE = {"1", "true", "yes", "on", "y", "t"}
_FALSE = {"0", "false", "no", "off", "n", "f"}


class Options:
    """The query of a URL, taken out setting by setting; `done` refuses what nobody took."""

    def __init__(self, url: str) -> None:
        try:
            self.parts: SplitResult = urlsplit(url)
        except ValueError as error:
            raise ConfigurationError(f"{url!r} is not a URL: {error}") from error
        self._scheme = self.parts.scheme
        self._known: list[str] = []
        self._values: dict[str, str] = {}
        for name, value in parse_qsl(self.parts.query, keep_blank_values=True):
            if name in self._values:
                raise ConfigurationError(f"the {self._scheme} URL names {name!r} twice")
            self._values[name] = value

    def text(self, name: str, default: str = "") -> str:
        """Take a setting as it stands."""
        self._known.append(name)
        return self._values.pop(name, default)

    def integer(self, name: str, default: int, *, least: int = 0) -> int:
        """Take a setting as a whole number."""
        text = self.text(name, str(default))
        if not text.removeprefix("-").isdecimal() or int(text) < least:
            raise self._wrong(name, text, f"a whole number from {least}")
        return int(text)

    def seconds(self, name: str, default: float) -> float:
        """Take a setting as a time in seconds, more than 0."""
        text = self.text(name, str(default))
        try:
            value = float(text)
        except ValueError:
            value = 0.0
        if not 0 < value < float("inf"):
            raise self._wrong(name, text, "a number of seconds more than 0")
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        """Take a setting as yes or no."""
        text = self.text(name, "yes" if default else "no").lower()
        if text not in _TRUE | _FALSE:
            raise self._wrong(name, text, "yes or no")
        return text in _TRUE

    def choice(self, name: str, *allowed: str) -> str:
        """Take a setting that is one of a few words; the first is the default."""
        text = self.text(name, allowed[0])
        if text not in allowed:
            raise self._wrong(name, text, "one of " + ", ".join(allowed))
        return text

    def tls_context(self) -> ssl.SSLContext:
        """Take the settings of TLS: `tls_ca`, `tls_cert`, `tls_key` and `tls_verify`."""
        import ssl  # takes its time, and few URLs need it

        authorities, certificate = self.text("tls_ca"), self.text("tls_cert")
        key, verify = self.text("tls_key"), self.flag("tls_verify", default=True)
        try:
            context = ssl.create_default_context(cafile=authorities or None)
            if certificate:
                context.load_cert_chain(certificate, key or None)
        except (OSError, ValueError) as error:
            problem = f"tls_ca, tls_cert or tls_key is no such file ({error})"
            raise self.wrong(problem) from error
        if not verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def given(self, name: str) -> bool:
        """Tell whether the URL has a setting that was not taken yet."""
        return name in self._values

    def done(self) -> None:
        """Refuse settings that were not taken: a misspelt one must not pass unseen."""
        if self._values:
            unknown = ", ".join(repr(name) for name in self._values)
            known = ", ".join(sorted(set(self._known))) or "none"
            raise ConfigurationError(
                f"the {self._scheme} URL has unknown settings: {unknown}; known are: {known}"
            )

    def wrong(self, problem: str) -> ConfigurationError:
        """Return the error that says what is wrong with the URL."""
        return ConfigurationError(f"the {self._scheme} URL is wrong: {problem}")

    def _wrong(self, name: str, text: str, wanted: str) -> ConfigurationError:
        return ConfigurationError(
            f"{name}={text!r} in the {self._scheme} URL is wrong: it must be {wanted}"
        )
