"""The family of errors that people can mend: each message says what is wrong, where, and what to do next."""

from __future__ import annotations


class HowtreeError(Exception):
    """Something the user can mend. The message says what is wrong, where, and what to do next."""

    exit_code = 1


class BadInput(HowtreeError):
    """A file or record given by the user cannot be read."""


class BadQuery(HowtreeError):
    """A query was refused, failed or ran out of its limits."""


class NotFound(HowtreeError):
    """A goal, step or file that was named does not exist."""


class BadUsage(HowtreeError):
    """The command was called in a way that cannot work."""

    exit_code = 2
