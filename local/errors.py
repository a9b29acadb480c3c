"""What can go wrong with the local stack, each with what to do about it."""

from pathlib import Path


class LocalStackError(Exception):
    """The local stack cannot do what was asked."""


class PlatformUnsupported(LocalStackError):
    """This machine lacks a server that the local stack needs."""


class JarsUnavailable(LocalStackError):
    """The Java archives of Kafka or ElasticMQ could not be fetched or are not the ones we tested."""


class PortTaken(LocalStackError):
    """A port that was asked for by number is in use."""

    def __init__(self, name: str, port: int) -> None:
        super().__init__(f"port {port}, asked for {name}, is in use on 127.0.0.1: stop what listens there or choose another port")


class DataFolderHeld(LocalStackError):
    """Another stack runs on the same data folder."""

    def __init__(self, folder: Path, holder: str) -> None:
        super().__init__(
            f"{folder} is held by the stack of process {holder}: "
            "stop that one (Ctrl-C or SIGTERM), or give this one another folder with --data"
        )


class DataFolderUnusable(LocalStackError):
    """There is no folder there, and none can be made."""

    def __init__(self, folder: Path, why: str) -> None:
        super().__init__(f"{folder} cannot be the data folder ({why}): name another with --data")


class DataFolderForeign(LocalStackError):
    """A folder that is to be emptied does not look like ours."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder} holds files but no stack.json, so no stack of ours ran there: it is left as it is")


class StackNotRunning(LocalStackError):
    """No stack runs on the data folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"no stack runs on {folder}: start one with `valence local up`, or name its folder with --data")


class ServerSetupFailed(LocalStackError):
    """A server's data could not be prepared."""

    def __init__(self, name: str, code: int, output: str) -> None:
        super().__init__(f"{name} could not be set up: its tool exited with {code} and said:\n{output.strip()}")


class ChildUnknown(LocalStackError):
    """A name that no child of the stack has."""

    def __init__(self, name: str, known: list[str]) -> None:
        super().__init__(f"nothing in this stack is called {name!r}; there are {', '.join(known)}")


class SignalUnknown(LocalStackError):
    """A name that is no signal of this platform."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name!r} is no signal; use one like SIGKILL or SIGTERM")


class StackFailed(LocalStackError):
    """A child could not be brought up, or died too often: the stack stops."""
