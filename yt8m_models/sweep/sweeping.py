"""Running the trials of a sweep."""

import contextlib
import itertools
import json
import math
import os
import shlex
from collections.abc import Iterator, Sequence

from yt8m_models.program.command import Program
from yt8m_models.program.interruption import Interruption
from yt8m_models.program.option import closest, flags_of
from yt8m_models.program.progress import Progress
from yt8m_models.storage import filesystems
from yt8m_models.storage.file_lock import lock_file
from yt8m_models.storage.same_flags import require_same_flags
from yt8m_models.storage.text_file import read_text
from yt8m_models.storage.whole_file import join, write_text
from yt8m_models.sweep.config import GRID, TPE, SweepConfig
from yt8m_models.sweep.objective import read_objective
from yt8m_models.sweep.process import run_program
from yt8m_models.sweep.programs import names, program
from yt8m_models.sweep.report import best_of, write_image, write_report
from yt8m_models.sweep.space import parse_space
from yt8m_models.sweep.trial import FAILED, RUNNING, Trial
from yt8m_models.sweep.trials import Trials

JOURNAL = "journal.log"
SETTINGS = "sweep.json"
LOCK = ".lock"
_DIRECTORIES = {"train_dir": "validation.csv", "output_dir": "results.csv"}
_MAY_CHANGE = ("output_dir", "trials", "max_failed_trials", "dry_run")
_TRIALS = 20
_RANDOM_TRIALS = 10  # at first the sampler `tpe` knows nothing


def sweep(config: SweepConfig) -> int | None:
    """Runs the trials that are not done, and reports all after each of them.

    `config.output_dir` receives `trials/N` of each trial, what it printed in `trials/N.log`,
    Optuna's `journal.log`, `results.csv`, `best.flags` and, with matplotlib, `objective.png`.

    Returns:
        The number of the signal that ended the sweep, or `None`.

    Raises:
        ValueError: a flag is wrong, of the sweep or of the program; the directory belongs to
            another sweep, or another process runs it; a finished trial has no such objective; more
            trials failed than may; or Optuna is not installed.
        OSError: a file cannot be read or written.
    """
    return Sweep(config).run()


class Sweep:
    """A sweep whose flags are right; see `sweep`."""

    def __init__(self, config: SweepConfig) -> None:
        self.config = config
        self.name, *self.flags = config.command
        known = names()
        if self.name not in known:
            raise ValueError(
                f"there is no program {self.name!r} to run: {closest(self.name, known)}"
            )
        if filesystems.scheme(config.output_dir):
            raise ValueError(f"--output_dir must be on this machine; received {config.output_dir}")
        self.program = program(self.name)
        self.dimensions = parse_space(config.space, self.program)
        self.directory_flag, file = _directory_flag(self.program)
        self.objective_file = config.objective_file or file
        self._require_free_flags()
        self.program.parse([*self.flags, f"--{self.directory_flag}=trial"])
        self.num_trials = self._num_trials()

    def run(self) -> int | None:
        """Runs the trials, or prints their commands."""
        if self.config.dry_run:
            self._print_commands()
            return None
        os.makedirs(join(self.config.output_dir, "trials"), exist_ok=True)
        with _alone(self.config.output_dir), Interruption() as interruption:
            trials = Trials(self.config, self.dimensions, join(self.config.output_dir, JOURNAL))
            self._require_same_sweep(trials.all())
            self._run(trials, interruption)
            if interruption.signal is None:
                self._require_few_failures(trials.all())
                self._print_end(trials.all())
        return interruption.signal

    def _run(self, trials: Trials, interruption: Interruption) -> None:
        all_trials = trials.all()
        done = sum(each.state != RUNNING for each in all_trials)
        with Progress(
            self.num_trials, "trials", "sweep", initial=done, line_seconds=None
        ) as progress:
            while done < self.num_trials and interruption.signal is None:
                self._require_few_failures(all_trials)
                trial = trials.next()
                progress.write(f"trial {trial.number}: {shlex.join(self._settings(trial))}")
                if not self._do(trial, trials, interruption):
                    return
                all_trials = trials.all()
                write_report(self.config, self.dimensions, all_trials)
                done += 1
                best = best_of(self.config, all_trials)
                shown = {} if best is None else {f"best {self.config.objective}": best.value}
                progress.update(1, failed=_num_failed(all_trials), **shown)

    def _do(self, trial: Trial, trials: Trials, interruption: Interruption) -> bool:
        """Does a trial and notes what it found; false if interrupted."""
        log = f"{self._directory(trial)}.log"
        status = run_program(self.name, self._arguments(trial), log, interruption)
        if status is None:
            if interruption.signal is None:
                raise ValueError(
                    f"the process of trial {trial.number} was stopped from outside ({log}); the "
                    "same command goes on"
                )
            return False
        if status != 0:
            trials.fail(trial, _reason(log, self.program.name, status))
            return True
        path = join(self._directory(trial), self.objective_file)
        value = read_objective(path, self.config.objective, self.config.direction)
        if value is None:
            trials.fail(trial, f"{path} has no finite value of {self.config.objective}")
        else:
            trials.complete(trial, value)
        return True

    def _directory(self, trial: Trial) -> str:
        return join(self.config.output_dir, "trials", f"{trial.number:04}")

    def _settings(self, trial: Trial) -> list[str]:
        values = [each.arguments(trial.settings[each.name]) for each in self.dimensions]
        return list(itertools.chain.from_iterable(values))

    def _arguments(self, trial: Trial) -> list[str]:
        place = f"--{self.directory_flag}={self._directory(trial)}"
        return [*self.flags, *self._settings(trial), place]

    def _num_trials(self) -> int:
        trials = self.config.trials
        if self.config.sampler != GRID:
            return _TRIALS if trials is None else trials
        for dimension in self.dimensions:
            if not dimension.choices:
                raise ValueError(
                    f"--sampler=grid needs values, and --space has a range of {dimension.name}"
                )
        size = math.prod(len(dimension.choices) for dimension in self.dimensions)
        return size if trials is None else min(trials, size)

    def _require_free_flags(self) -> None:
        """Refuses flags of the command that the sweep sets."""
        swept = [flag for dimension in self.dimensions for flag in dimension.flags]
        for flag in self.flags:
            name = flag.lstrip("-").partition("=")[0]
            if name in (*swept, self.directory_flag):
                raise ValueError(f"{flag} cannot be given after --: the sweep sets --{name}")
        if self.directory_flag in swept:
            raise ValueError(f"--space cannot have --{self.directory_flag}, which the sweep sets")

    def _require_same_sweep(self, trials: Sequence[Trial]) -> None:
        """Notes the flags that the trials depend on, or refuses others than those noted."""
        config = self.config
        settings = {k: v for k, v in vars(config).items() if k not in _MAY_CHANGE}
        path = join(config.output_dir, SETTINGS)
        if trials and os.path.exists(path):
            is_judged = any(each.state != RUNNING for each in trials)
            require_same_flags(
                json.loads(read_text(path)),
                json.loads(json.dumps(settings)),
                f"--output_dir={config.output_dir} belongs to another sweep:",
                "Give another --output_dir, or the same flags.",
                may_differ=() if is_judged else ("objective", "objective_file"),
            )
        write_text(path, json.dumps(settings, indent=1) + "\n")

    def _require_few_failures(self, trials: Sequence[Trial]) -> None:
        num_failed = _num_failed(trials)
        if num_failed > self.config.max_failed_trials:
            last = [each for each in trials if each.state == FAILED][-1]
            raise ValueError(
                f"{num_failed} trials failed, more than "
                f"--max_failed_trials={self.config.max_failed_trials}; the last, trial "
                f"{last.number}: {last.error} ({self._directory(last)}.log)"
            )

    def _print_commands(self) -> None:
        shown = min(self.num_trials, _RANDOM_TRIALS)
        trials = Trials(self.config, self.dimensions, journal=None)
        for _ in range(shown):
            trial = trials.next()
            print(shlex.join(["yt8m", self.name, *self._arguments(trial)]))
            trials.fail(trial, "")  # or it would be the next one too
        rest = self.num_trials - shown
        if rest:
            what = "depend on what these find" if self.config.sampler == TPE else "are like them"
            print(f"… and {rest} trials that {what}")

    def _print_end(self, trials: Sequence[Trial]) -> None:
        config = self.config
        paths = write_report(config, self.dimensions, trials)
        paths += write_image(config, self.dimensions, trials)
        best = best_of(config, trials)
        if best is not None:
            print(
                f"The best of {len(trials)} trials: {best.number}, {config.objective} "
                f"{best.value:.6g}: {shlex.join(self._settings(best))}"
            )
        if num_failed := _num_failed(trials):
            print(f"{num_failed} of {len(trials)} trials failed: their errors are in results.csv")
        print(f"wrote {', '.join(paths)}")


@contextlib.contextmanager
def _alone(directory: str) -> Iterator[None]:
    """Within, no other sweep runs in a directory."""
    with open(join(directory, LOCK), "w") as file:
        if not lock_file(file, wait=False):
            raise ValueError(f"another sweep is running in --output_dir={directory}")
        yield


def _directory_flag(program: Program) -> tuple[str, str]:
    """The flag of a program's directory, and the file there that has what it found."""
    flags = {field.name for group in program.groups for field, _ in flags_of(group)}
    for name, file in _DIRECTORIES.items():
        if name in flags:
            return name, file
    raise ValueError(
        f"{program.name} has neither --train_dir nor --output_dir, so that its trials have no "
        "directories of their own"
    )


def _reason(log: str, name: str, status: int) -> str:
    """The last error in what a program printed, or else its last line."""
    if status < 0:
        return f"its process was ended by signal {-status}"
    lines = [line.strip() for line in read_text(log).splitlines() if line.strip()]
    errors = [line.removeprefix(f"{name}: ") for line in lines if line.startswith(f"{name}: ")]
    return (errors or lines or [f"its process ended with status {status}"])[-1]


def _num_failed(trials: Sequence[Trial]) -> int:
    return sum(each.state == FAILED for each in trials)
