"""Small parts of pages. Every text is shown as it is, never as markup."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement
from nicegui.events import UploadEventArguments

from bot.desk.uploads import MAX_BYTES
from handlers.console.visit import Visit


def tag(name: str, classes: str = "") -> ui.element:
    """A plain HTML element."""
    return ui.element(name).classes(classes)


def word(text: str, classes: str = "", hover: str = "", name: str = "span") -> TextElement:
    """A text; ``hover`` is its exact value."""
    made = TextElement(tag=name, text=text).classes(classes)
    if hover:
        made.props["title"] = hover
    return made


def button(title: str, key: str = "", *, strong: bool = False) -> ui.button:
    """A button that shows its key."""
    made = ui.button(color=None).props("no-caps unelevated" if strong else "no-caps flat")
    made.classes("act strong" if strong else "act")
    with made:
        word(title)
        if key:
            word(key, "key", name="kbd").props('aria-hidden="true"')
            made.props["aria-keyshortcuts"] = key
    return made


def more(acts: Sequence[tuple[str, str, Callable[[], Awaitable[None]]]]) -> None:
    """What is seldom done, in a menu; the keys do it too."""
    with ui.button(color=None).props('no-caps flat aria-haspopup="menu"').classes("act"):
        word("更多")
        with ui.menu().classes("more"):
            for title, key, act in acts:
                with ui.menu_item(on_click=act):
                    word(title, "grow")
                    word(key, "key", name="kbd").props('aria-hidden="true"')


@contextmanager
def sheet(title: str, classes: str = "", *, lasting: bool = False) -> Iterator[ui.dialog]:
    """A window over the page, named by its title; waiting for it opens it.

    The cursor goes to what is marked autofocus, and back to where it was when the window shuts.
    Esc shuts it unless it is ``lasting``.
    """
    with ui.dialog() as dialog, ui.card().classes(f"sheet {classes}"):
        heading = word(title, "sheet-title", name="h2")
        dialog.props["aria-labelledby"] = heading.html_id
        dialog.props["transition-duration"] = 100
        dialog.props("persistent" if lasting else "")
        yield dialog
    # Not before: the browser puts the cursor back when the window shuts, not when it is gone.
    dialog.on("hide", dialog.delete)


async def choose(title: str, options: Mapping[str, str], *, words: str = "") -> str | None:
    """The key of one option, by mouse or by its digit, or own words; None when called off.

    ``words`` is what may be written instead of choosing; what is written comes back after "=".
    """
    with sheet(title) as dialog:
        for number, (key, label) in enumerate(options.items(), 1):
            row = ui.button(color=None, on_click=lambda key=key: dialog.submit(key))
            row.props("flat no-caps align=left" + (" autofocus" if number == 1 else ""))
            with row.classes("option"):
                word(str(number) if number < 10 else "", "key", name="kbd")
                word(label)
        if words:
            field = ui.input(words).props("outlined dense maxlength=300").classes("wide")
            if not options:
                field.props("autofocus")
            write = lambda: dialog.submit(f"={field.value}") if field.value.strip() else None  # noqa: E731
            field.on("keydown.enter", write)
        with tag("div", "sheet-foot"):
            button("取消", "Esc").on_click(lambda: dialog.submit(None))
            if words:
                button("确定", "Enter", strong=True).on_click(write)

    def press(event: object) -> None:
        keys, pressed = list(options), str(getattr(event, "args", {}).get("key", ""))
        if pressed.isdigit() and 0 < int(pressed) <= min(len(keys), 9):
            dialog.submit(keys[int(pressed) - 1])

    dialog.on(
        "keydown",
        press,
        ["key"],
        js_handler="(e) => { if (/^[1-9]$/.test(e.key) && e.target.tagName !== 'INPUT') emit(e); }",
    )
    found: str | None = await dialog
    return found


def field(label: str, value: str = "") -> ui.input:
    return ui.input(label, value=value).props("outlined dense").classes("wide")


def day_field(label: str, value: str = "") -> ui.date_input:
    """A day as ``2026-11-27``, typed or picked: a browser's own field speaks its own language."""
    made = ui.date_input(label, value=value, placeholder="年-月-日").props("outlined dense")
    made.button.props('aria-label="选日期" dense')
    return made


# Quasar's button is an icon without a name.
_NAMED = """for (const one of document.querySelectorAll('.kb-upload .q-btn, .kb-upload input'))
  one.ariaLabel = '选文件'"""


def upload(
    formats: Sequence[str], done: Callable[[UploadEventArguments], Awaitable[None]], visit: Visit
) -> None:
    """Where a file is chosen or dropped."""
    limit = f"没有收下：只收 {'、'.join(formats)}，最大 {MAX_BYTES // 1_000_000} MB。"
    made = ui.upload(
        label="选一个文件，或拖到这里",
        on_upload=done,
        on_rejected=lambda: visit.tell(limit, bad=True),
        max_file_size=MAX_BYTES,
        auto_upload=True,
    )
    made.props(f'accept="{",".join(formats)}" flat bordered').classes("kb-upload")
    ui.timer(0.1, lambda: ui.run_javascript(_NAMED), once=True)


def pick(title: str, options: Mapping[str, str], value: str) -> ui.select:
    """A choice among named options; the first when the value is none of them."""
    known = value if value in options else next(iter(options), "")
    return ui.select(dict(options), label=title, value=known).props("outlined dense")


def fold(title: str = "") -> ui.expansion:
    """What is only shown when it is opened."""
    made = ui.expansion(title).props("dense").classes("answer")
    made.props["toggle-aria-label"] = f"展开或收起{title}"
    return made


def show_keys(named: Mapping[str, str]) -> None:
    """The table of keys."""
    with sheet("按键") as dialog:
        with tag("dl", "keys"):
            for key, name in named.items():
                word(key, "key", name="dt")
                word(name, name="dd")
        to_shut(dialog)
    dialog.open()


def to_shut(dialog: ui.dialog, title: str = "关闭") -> None:
    """The foot of a window that is only to be read."""
    with tag("div", "sheet-foot"):
        button(title, "Esc", strong=True).props("autofocus").on_click(dialog.close)


class Rows:
    """Rows that the keys j and k go through; the browser's focus says which one is meant."""

    def __init__(self) -> None:
        self.at = -1
        self._rows: list[ui.element] = []

    def show(self, rows: list[ui.element]) -> None:
        """These are the rows now; none of them is meant yet."""
        self._rows, self.at = rows, -1

    def move(self, key: str) -> None:
        if self._rows:
            self.stand(self.at + (1 if key == "j" else -1))

    def stand(self, place: int) -> None:
        """Go to the row at this place, or the nearest there is."""
        if self._rows:
            self.at = min(max(place, 0), len(self._rows) - 1)
            self._rows[self.at].run_method("focus")


def waiting(text: str) -> None:
    """What is shown while something is worked out."""
    with tag("div", "nothing").props('role="status"'):
        word(text, "soft")
