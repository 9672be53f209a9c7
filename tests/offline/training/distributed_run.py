"""What every process of the distributed test runs, under torchrun: trainings whose results each rank writes down."""

from __future__ import annotations

import gc
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

from offline.recipe import Optimiser, Schedule
from offline.samples import Batch
from offline.training import command as train
from offline.training.distributed import joined
from offline.training.trainer import Trainer
from uda_seg_ros.bundle import Preprocess

from .. import stand_in
from ..methods.cases import CASES
from .test_trainer import CLASSES, batch_of


def main(recipe: str, out: Path) -> int:
    torch.set_num_threads(1)
    gc.disable()  # what is left of the process group must not hang on when garbage is collected
    stand_in.register()
    with joined('cpu') as world:
        save(out / f'plain_{world.rank}_of_{world.size}.safetensors', plain(world))
        for name in CASES if world.size > 1 else ():
            save(out / f'{name.replace("/", "-")}_{world.rank}_of_{world.size}.safetensors', of_case(name, world))
        fit = Trainer.fit

        def fit_and_save(trainer: Trainer, *arguments) -> None:
            fit(trainer, *arguments)
            save(out / f'{trainer.method.config.noise}_{world.rank}_of_{world.size}.safetensors', trainer)
        Trainer.fit = fit_and_save
        code = train.main([recipe, '--out', str(out / f'run_of_{world.size}'), '--device', 'cpu'])
    names = [thread.read_text() for thread in Path('/proc/self/task').glob('*/comm')]
    (out / f'threads_{world.rank}_of_{world.size}').write_text(''.join(names))
    return code


def plain(world) -> Trainer:
    """A network whose pictures do not meet, on this rank's share of fixed batches, without noise."""
    torch.manual_seed(0)
    method = stand_in.StandIn({'student': stand_in.Plain(CLASSES)}, stand_in.StandIn.Config(noise=0.0), Preprocess(32, 64))
    trainer = Trainer(method, 5, 0, Optimiser('sgd', 0.1), Optimiser('sgd', 0.1), Schedule(1), world)

    def share(step: int) -> Batch:
        return Batch(*(tensor[world.rank::world.size] for tensor in vars(batch_of(step)).values()))
    trainer.fit(share(step) for step in range(5))
    return trainer


def of_case(name: str, world) -> Trainer:
    """Two steps of a method; each rank has one of two pictures."""
    case = CASES[name]
    method, whole = case.make(name), case.batch(case.make(name))
    trainer = Trainer(method, 2, 0, Optimiser(lr=1e-3, clip=1.0), Optimiser(lr=1e-3), Schedule(1), world)
    batch = Batch(*(None if tensor is None else tensor[world.rank:world.rank + 1] for tensor in vars(whole).values()))
    trainer.fit([batch, batch])
    return trainer


def save(path: Path, trainer: Trainer) -> None:
    save_file({name: tensor.contiguous().clone() for name, tensor in trainer.method.state_dict().items()}, path)


if __name__ == '__main__':
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
