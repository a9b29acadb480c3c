"""What SageMaker asks of a container: as no root, on a folder that cannot be written, without a network, in service whatever happens."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import MappingProxyType

import httpx
import msgspec
import psutil
import pytest

from deployment import package, serving
from local.sagemaker.answers import ModelContainer
from model import text
from model.fusion import Architecture, FusionNetwork, TextSpec, VoiceSpec
from model.fusion_checkpoint import Config, save_fusion
from model.profiles import BUNDLED_FOLDER, HUB
from runtime.storage import locate
from runtime.testing import MemoryStorage
from samples.script import DIALOGUE, ERRAND, read_script
from schemas.analysis import Analysis, Modality
from tests.sagemaker_standin import free_port, running_standin
from tests.tiny_checkpoints import SCRIPT, write_hub
from tests.waiting import until

_ROOT = Path(__file__).parents[2]
_VIDEO = {"content-type": "video/mp4"}
#: Loading takes seconds, on a machine that may have much other work.
_PATIENCE_SECONDS = 240
#: Read by every Python that is started: whoever looks up a name or leaves this machine ends at once, and says so.
_NO_NETWORK = """
import os, sys
def watch(event, arguments):
    if event == "socket.connect" and isinstance(arguments[1], tuple) and not str(arguments[1][0]).startswith(("127.", "::1")):
        name = arguments[1]
    elif event in ("socket.getaddrinfo", "socket.gethostbyname") and arguments[0] not in ("127.0.0.1", "localhost"):
        name = arguments[0]
    else:
        return
    os.write(2, f"went outside: {event} {name}".encode())
    os._exit(99)
sys.addaudithook(watch)
"""


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, package.Manifest]:
    """The folder of an archive as SageMaker unpacks it, readable for everybody and writable for nobody."""
    folder = tmp_path_factory.mktemp("archive")
    return _as_sagemaker_unpacks(package.build(folder / "model.tar.gz"))


def _as_sagemaker_unpacks(built: package.Package) -> tuple[Path, package.Manifest]:
    folder = built.path.parent
    for parent in (folder, folder.parent, folder.parent.parent):
        parent.chmod(0o755)
    return serving.unpacked(built.path, folder / "cache")


@contextmanager
def _process(
    archive: tuple[Path, package.Manifest], scratch: Path, port: int, settings: Mapping[str, str]
) -> Iterator[subprocess.Popen[str]]:
    """The container's process, as `nobody` where this test may choose, at home nowhere."""
    (scratch / "sitecustomize.py").write_text(_NO_NETWORK)
    own = serving.container_environment(*archive, "127.0.0.1", port)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "VALENCE_"))},
        **own,
        **settings,
        "PYTHONPATH": f"{own['PYTHONPATH']}:{scratch}",
        "HOME": "/nonexistent",
        "TMPDIR": "/tmp",
    }
    command = [sys.executable, "-m", "model", "serve"]
    if os.getuid() == 0:
        # As an unprivileged user that may still read the virtual environment, wherever it lies.
        command = [sys.executable, str(_ROOT / "local" / "launch.py"), str(os.getpid()), "nobody", "through", *command]
    process = subprocess.Popen(command, env=environment, cwd="/", stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@asynccontextmanager
async def _container(
    archive: tuple[Path, package.Manifest], scratch: Path, settings: Mapping[str, str] = MappingProxyType({})
) -> AsyncIterator[tuple[subprocess.Popen[str], httpx.AsyncClient]]:
    port = free_port()
    with _process(archive, scratch, port, settings) as process:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=300, trust_env=False) as client:
            status = await until(
                lambda: _ping(client, process), "in service", holds=lambda status: status in (200, -1), seconds=_PATIENCE_SECONDS
            )
            assert status == 200, process.communicate()[1]
            yield process, client


async def _ping(client: httpx.AsyncClient, process: subprocess.Popen[str]) -> int:
    if process.poll() is not None:
        return -1
    try:
        return (await client.get("/ping")).status_code
    except httpx.TransportError:
        return 0


def _content(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def _processor_seconds(processes: list[psutil.Process]) -> float:
    return sum(process.cpu_times().user for process in processes if process.is_running())


async def test_it_works_as_no_root_without_a_network_and_leaves_its_folder_as_it_was(
    archive: tuple[Path, package.Manifest], tmp_path: Path
) -> None:
    before = _content(archive[0])
    async with _container(archive, tmp_path) as (process, client):
        assert psutil.Process(process.pid).uids().real != 0
        answer = await client.post("/invocations", content=ERRAND.read_bytes(), headers=_VIDEO)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 60) == 0
        assert process.stderr is not None
        assert "went outside" not in process.stderr.read()
    assert answer.status_code == 200, answer.text
    assert len(msgspec.json.decode(answer.content, type=Analysis).utterances) == len(read_script(ERRAND).lines)
    assert _content(archive[0]) == before


async def test_ping_answers_while_videos_are_worked_on_and_a_visit_of_the_memory_killer_costs_only_them(
    archive: tuple[Path, package.Manifest], tmp_path: Path
) -> None:
    async with _container(archive, tmp_path) as (process, client):
        family = psutil.Process(process.pid).children(recursive=True)
        begun = _processor_seconds(family)
        videos = [asyncio.create_task(client.post("/invocations", content=DIALOGUE.read_bytes(), headers=_VIDEO)) for _ in range(2)]
        await until(lambda: _processor_seconds(family) > begun + 0.3, "the videos are worked on", seconds=_PATIENCE_SECONDS)
        assert [(await client.get("/ping")).status_code for _ in range(20)] == [200] * 20
        assert not any(video.done() for video in videos)

        for child in family:
            child.kill()
        for failed in await asyncio.gather(*videos):
            assert failed.status_code >= 400
            assert set(failed.json()) == {"code", "message", "retryable"}
        assert (await client.get("/ping")).status_code == 200
        assert (await client.post("/invocations", content=ERRAND.read_bytes(), headers=_VIDEO)).status_code == 200


async def test_an_archive_of_the_hub_profile_with_a_fusion_answers_the_standin_as_no_root_and_without_a_network(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    weights, target = tmp_path / "weights", tmp_path_factory.mktemp("hub") / "model.tar.gz"
    weights.mkdir()
    names = {name: value for name, value in write_hub(weights).items() if name != "VALENCE_MODEL_FOLDER"}
    _write_fusion(weights / "fusion")
    archive = _as_sagemaker_unpacks(package.build(target, HUB, weights))
    storage = MemoryStorage()
    await storage.put("valence", "errand.mp4", ERRAND.read_bytes(), "video/mp4")

    async with (
        _container(archive, tmp_path, {**names, "VALENCE_MODEL_FUSION": str(archive[0] / "fusion")}) as (process, client),
        running_standin(tmp_path, answers=ModelContainer(client, storage), storage=storage) as standin,
    ):
        accepted = await standin.invoke(InputLocation="s3://valence/errand.mp4", ContentType="video/mp4")
        (notice,) = await standin.notices(1)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 60) == 0

    assert notice["invocationStatus"] == "Completed", notice
    analysis = msgspec.json.decode(storage.objects[locate(accepted["OutputLocation"])].body, type=Analysis)
    assert " ".join(utterance.text for utterance in analysis.utterances) == " ".join(text for _, _, text in SCRIPT)
    assert (analysis.profile, analysis.words_from, analysis.language) == ("hub", "whisper", "en")
    assert (analysis.text_languages, analysis.language_supported) == (("en",), True)
    assert [ref.role for ref in analysis.models] == ["words", "emotion", "sentiment", "fusion"]
    assert set(analysis.utterances[0].modalities) == {Modality.TEXT, Modality.VOICE}


def _write_fusion(folder: Path) -> None:
    """One that reads the repository's text model and has learned nothing."""
    ref = text.load(BUNDLED_FOLDER).ref
    spec = TextSpec(name=ref.name, sha256=ref.sha256, width=text.OUTPUTS["embedding"])
    architecture = Architecture(text=spec, voice=VoiceSpec(channels=(8, 16)), face=None)
    save_fusion(folder, Config(name="untrained", architecture=architecture), FusionNetwork(architecture))
