"""The regular expression that a rule is made of: RE2's syntax (as Datadog documents it), written as Python's.

What RE2 has not is refused: backreferences and looking around. What Python reads differently is rewritten: flags in the
middle, POSIX classes, named groups, `$`. Groups of the rule's own never capture.
"""

import re
from collections.abc import Callable

from oddsock.telemetry.pipelines.grok.expression import RuleText

REPEATS_MAX = 1000
GROUPS_DEEP_MAX = 50

_QUANTIFIER = re.compile(r"(?:[*+?]|\{(\d{1,9})(?:(,)(\d{0,9}))?\})")
_GROUP = re.compile(r"\?(?:P?<(?P<name>[A-Za-z_]\w*)>|(?P<flags>[a-zA-Z]*(?:-[a-zA-Z]+)?)(?P<end>[:)]))", re.ASCII)
_HEX = re.compile(r"x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,6})\})")
_LETTERS = "dDwWsSbBntrfv"
_POSIX = {
    "alnum": "0-9A-Za-z", "alpha": "A-Za-z", "ascii": r"\x00-\x7F", "blank": r"\t ", "cntrl": r"\x00-\x1F\x7F",
    "digit": "0-9", "graph": "!-~", "lower": "a-z", "print": " -~", "punct": r"!-\/:-@\[-`{-~",
    "space": r"\t\n\v\f\r ", "upper": "A-Z", "word": "0-9A-Za-z_", "xdigit": "0-9A-Fa-f",
}  # fmt: skip

OnExpression = Callable[[int], tuple[str, int]]
"""Given the offset of %{: the regular expression in its place, and the offset behind it."""


def rewrite(rule: RuleText, on_expression: OnExpression | None = None) -> str:
    """The text of *rule* as a Python pattern (re.ASCII, re.DOTALL); GrokError where it cannot be."""
    return _Rewriter(rule, on_expression).whole()


class _Rewriter:
    def __init__(self, rule: RuleText, on_expression: OnExpression | None) -> None:
        self._rule = rule
        self._text = rule.text
        self._on_expression = on_expression
        self._at = 0
        self._made: list[str] = []
        self._flags = [""]
        """Flags set in the middle of each open group, which end with it."""
        self._opened: list[int] = []
        self._multiline = [False]
        self._may_repeat = False
        self._repeats = [1]
        """How often the most repeated part of each open group is repeated in it at most."""
        self._atom_repeats = 1

    def whole(self) -> str:
        while self._at < len(self._text):
            self._next()
        if self._opened:
            raise self._rule.refuse(self._opened[-1], "this parenthesis is never closed.")
        self._made.append(")" if self._flags[0] else "")
        return "".join(self._made)

    def _put(self, text: str, length: int, may_repeat: bool = True) -> None:
        self._made.append(text)
        self._at += length
        self._may_repeat = may_repeat
        self._atom_repeats = 1

    def _next(self) -> None:
        sign = self._text[self._at]
        match sign:
            case "%" if self._on_expression and self._text.startswith("%{", self._at):
                regex, end = self._on_expression(self._at)
                self._put(regex, end - self._at)
            case "\\":
                self._escape()
            case "[":
                self._class()
            case "(":
                self._open()
            case ")":
                self._close()
            case "|":
                flags = self._flags[-1]
                self._put(f")|(?{flags}:" if flags else "|", 1, False)
            case "^":
                self._put("^", 1, False)
            case "$":
                self._put("$" if self._multiline[-1] else r"\Z", 1, False)
            case ".":
                self._put(".", 1)
            case "*" | "+" | "?" | "{":
                self._quantifier()
            case _:
                self._put(re.escape(sign), 1)

    def _escape(self) -> None:
        letter = self._text[self._at + 1 : self._at + 2]
        if not letter:
            raise self._rule.refuse(self._at, "a backslash at the end escapes nothing.")
        if letter.isdigit() and letter != "0":
            raise self._rule.refuse(self._at, "references back to a group are not taken, as in RE2.")
        if letter in "AZz":
            self._put({"A": r"\A"}.get(letter, r"\Z"), 2, False)
        elif letter in "bB":
            self._put(f"\\{letter}", 2, False)
        else:
            escaped, length = self._escaped(letter)
            self._put(escaped, length)

    def _escaped(self, letter: str) -> tuple[str, int]:
        if letter in _LETTERS:
            return f"\\{letter}", 2
        if letter == "a":
            return r"\x07", 2
        if letter == "x" and (found := _HEX.match(self._text, self._at + 1)):
            code = int(found[1] or found[2], 16)
            if code <= 0x10FFFF:
                return re.escape(chr(code)), len(found[0]) + 1
        if letter.isascii() and letter.isalnum():
            raise self._rule.refuse(self._at, f"the escape \\{letter} is not known.")
        return re.escape(letter), 2

    def _class(self) -> None:
        begin = self._at
        made = ["["]
        self._at += 1
        if self._text.startswith("^", self._at):
            made.append("^")
            self._at += 1
        is_first = True
        while True:
            if self._at >= len(self._text):
                raise self._rule.refuse(begin, "this bracket is never closed.")
            sign = self._text[self._at]
            if sign == "]" and not is_first:
                break
            is_first = False
            made.append(self._member(sign))
        self._at += 1
        made.append("]")
        self._made.append(self._sound("".join(made), begin))
        self._may_repeat = True

    def _member(self, sign: str) -> str:
        if sign == "[" and self._text.startswith("[:", self._at):
            end = self._text.find(":]", self._at)
            name = self._text[self._at + 2 : end] if end >= 0 else ""
            if name not in _POSIX:
                raise self._rule.refuse(self._at, f"there is no class [:{name[:20]}:].")
            self._at = end + 2
            return _POSIX[name]
        if sign == "\\":
            letter = self._text[self._at + 1 : self._at + 2]
            if not letter:
                raise self._rule.refuse(self._at, "a backslash at the end escapes nothing.")
            if letter == "b" or letter == "B":
                raise self._rule.refuse(self._at, f"\\{letter} is no character.")
            escaped, length = self._escaped(letter)
            self._at += length
            return escaped
        self._at += 1
        # A lone minus makes a range; two in a row, and the signs of set operations, would make Python warn.
        return sign if sign != "-" and sign.isalnum() else sign if sign == "-" else re.escape(sign)

    def _sound(self, made: str, offset: int) -> str:
        try:
            re.compile(made.replace("--", r"-\-"))
        except re.error as cause:
            raise self._rule.refuse(offset, f"the bracket cannot be read: {cause.msg}.") from cause
        return made.replace("--", r"-\-")

    def _open(self) -> None:
        if len(self._opened) >= GROUPS_DEEP_MAX:
            raise self._rule.refuse(self._at, f"groups go no deeper than {GROUPS_DEEP_MAX}.")
        found = _GROUP.match(self._text, self._at + 1) if self._text.startswith("(?", self._at) else None
        if found is None and self._text.startswith("(?", self._at):
            raise self._rule.refuse(self._at, "looking around and other extended groups are not taken, as in RE2.")
        flags = found["flags"] if found and not found["name"] else ""
        if flags and not re.fullmatch(r"[ims]+(?:-[ims]+)?|-[ims]+", flags):
            raise self._rule.refuse(self._at, f"of the flags {flags[:20]!r} only i, m and s are taken.")
        if set(flags.partition("-")[0]) & set(flags.partition("-")[2]):
            raise self._rule.refuse(self._at, f"the flags {flags[:20]!r} are set and taken away at once.")
        length = 1 + (len(found[0]) if found else 0)
        if found and found["end"] == ")":
            self._set_flags(flags, length)
            return
        self._opened.append(self._at)
        self._multiline.append(_is_multiline(flags, self._multiline[-1]))
        self._flags.append("")
        self._repeats.append(1)
        self._put(f"(?{flags}:", length, False)

    def _set_flags(self, flags: str, length: int) -> None:
        if not flags:
            raise self._rule.refuse(self._at, "this group is empty.")
        if self._flags[-1]:
            raise self._rule.refuse(self._at, "flags are set once in a group.")
        self._flags[-1] = flags
        self._multiline[-1] = _is_multiline(flags, self._multiline[-1])
        self._put(f"(?{flags}:", length, False)

    def _close(self) -> None:
        if not self._opened:
            raise self._rule.refuse(self._at, "this parenthesis was never opened.")
        self._opened.pop()
        self._multiline.pop()
        self._put("))" if self._flags.pop() else ")", 1)
        self._atom_repeats = self._repeats.pop()
        self._repeats[-1] = max(self._repeats[-1], self._atom_repeats)

    def _quantifier(self) -> None:
        found = _QUANTIFIER.match(self._text, self._at)
        if found is None:
            self._put(re.escape("{"), 1)
            return
        if not self._may_repeat:
            raise self._rule.refuse(self._at, f"there is nothing that {found[0][:20]} could repeat.")
        least, most = int(found[1] or 0), int(found[3] or found[1] or 0)
        repeats = self._atom_repeats * max(least, most, 1)
        if repeats > REPEATS_MAX:
            sentence = f"a repetition, with those inside it, goes no further than {REPEATS_MAX}."
            raise self._rule.refuse(self._at, sentence)
        self._repeats[-1] = max(self._repeats[-1], repeats)
        if found[3] and most < least:
            raise self._rule.refuse(self._at, f"the repetition {found[0][:20]} ends before it begins.")
        is_lazy = self._text.startswith("?", self._at + len(found[0]))
        self._put(found[0] + ("?" if is_lazy else ""), len(found[0]) + is_lazy, False)


def _is_multiline(flags: str, before: bool) -> bool:
    on, _, off = flags.partition("-")
    return "m" in on or (before and "m" not in off)
