"""What HTML or SVG holds, read by a parser that takes no half-closed tag."""

from html.parser import HTMLParser

_VOID = {"meta", "link", "img", "br"}


class Markup(HTMLParser):
    """All tags with their attributes, and all texts; `AssertionError` where a tag is not closed in its turn."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.texts: list[tuple[str, str]] = []  # the tag that a text stands in, and the text
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(attrs) == len(dict(attrs)), (tag, attrs)
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open
        assert tag == self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open and data.strip():
            self.texts.append((self._open[-1], " ".join(data.split())))

    def values(self, *names: str) -> list[str]:
        """All values of attributes with these names."""
        return [value for _, attributes in self.tags for name, value in attributes.items() if name in names]

    def words(self) -> str:
        """All that is read, without styles."""
        return " ".join(text for tag, text in self.texts if tag != "style")
