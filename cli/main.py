"""The entry point: finds the command, runs it, and turns every error into a sentence and an exit code."""

from __future__ import annotations

import sys
import tempfile
import traceback
from typing import ClassVar

import click

from cli.exits import CommandFailed, Exit
from cli.lazy_group import LazyGroup


class _Valence(LazyGroup):
    """Every command."""

    COMMANDS: ClassVar[dict[str, tuple[str, str]]] = {
        "analyse": ("cli.analyse", "Send videos and show what is felt in them."),
        "watch": ("cli.watch", "Follow uploads live."),
        "uploads": ("cli.uploads", "List uploads, look at one, try one again, fetch its analysis."),
        "webhooks": ("cli.webhooks", "Be told what becomes of uploads, at an address of yours."),
        "export": ("cli.export", "Write the analyses of many uploads into one archive."),
        "ingest": ("cli.ingest", "Analyse every video of an S3 prefix or of a folder."),
        "demo": ("cli.demo", "Start everything, analyse a sample, stop everything."),
        "local": ("cli.local", "Run the whole system on this machine."),
        "accounts": ("cli.accounts", "Create and list accounts."),
        "keys": ("cli.keys", "Create, list and revoke API keys."),
        "plans": ("cli.plans", "Say what accounts may use in a month."),
        "login": ("cli.login", "Sign in, so that no command needs a key."),
        "logout": ("cli.login", "Sign out, and revoke the key that signing in has made."),
        "topics": ("cli.topics", "Create and list the topics in Kafka."),
        "storage": ("cli.storage", "Create the bucket and the queues."),
        "database": ("cli.database", "Migrate PostgreSQL."),
        "model": ("cli.model", "Get, train and judge the models."),
        "sagemaker": ("cli.sagemaker", "Package the model, and run it on SageMaker."),
        "dead-letters": ("cli.dead_letters", "Look at records that could not be processed, and try them again."),
    }


@click.group(cls=_Valence, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="valence")
def valence() -> None:
    """Video in, emotion and sentiment of every utterance out.

    \b
      valence demo                      see it work, in one command
      valence local up                  run everything on this machine
      valence analyse talk.mp4          send a video, watch it, read the result

    Addresses and the key come from flags, else from the environment (VALENCE_API_URL, VALENCE_API_KEY, DATABASE_URL, ...), else from the
    login file, else from the local stack.

    \b
    Exit codes:
      0    everything asked for was done
      1    a video was rejected or failed, or a request was refused
      2    the command was misused
      3    a service cannot be reached
      4    timed out
      130  interrupted
    """


def run(arguments: list[str]) -> int:
    """Run a command line and return its exit code; never raises."""
    try:
        return int(valence.main(arguments, prog_name="valence", standalone_mode=False) or Exit.COMPLETED)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return _end("interrupted", Exit.INTERRUPTED)
    except CommandFailed as error:
        return _end(str(error), error.code)
    except Exception as error:
        return _explain(error)


def _explain(error: Exception) -> int:
    # Imported only now: a command that ends well should not wait for them.
    from local.errors import LocalStackError, StackNotRunning
    from runtime.errors import DependencyUnavailable, SettingsError, ValenceError
    from valence import ApiError, ServiceUnreachable

    match error:
        case SettingsError():
            return _end(str(error), Exit.USAGE)
        case DependencyUnavailable() | ServiceUnreachable() | StackNotRunning():
            return _end(str(error), Exit.UNREACHABLE)
        case ApiError() if error.problem.status == 503:
            return _end(str(error), Exit.UNREACHABLE)
        case ValenceError() | LocalStackError() | ApiError():
            return _end(str(error), Exit.NOT_COMPLETED)
    with tempfile.NamedTemporaryFile("w", prefix="valence-fault-", suffix=".txt", delete=False) as report:
        traceback.print_exception(error, file=report)
    return _end(
        f"this is a fault of valence itself ({type(error).__name__}: {error}): please report it with {report.name}", Exit.NOT_COMPLETED
    )


def _end(message: str, code: Exit) -> Exit:
    print(f"valence: {message}", file=sys.stderr)
    return code


def main() -> None:
    """The console script."""
    sys.exit(run(sys.argv[1:]))
