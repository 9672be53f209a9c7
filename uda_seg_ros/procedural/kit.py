"""Everything a town is built from: the atlas and the numbers, sprites and vehicles in it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .atlas import Atlas
from .backdrop import Panorama, add_backdrop
from .facades import Facade, add_facades
from .foliage import add_bushes, add_trees
from .furniture import Furniture, add_furniture
from .people import add_pedestrians, add_riders, add_two_wheelers
from .sprite import Sprite
from .surfaces import add_surfaces
from .town import Town
from .vehicles import Vehicle, add_vehicles


@dataclass(frozen=True)
class Kit:
    """Painted once per world; the atlas is complete."""

    atlas: Atlas
    surfaces: dict[str, int]
    facades: list[Facade]
    trees: list[Sprite]
    bushes: list[Sprite]
    furniture: Furniture
    pedestrians: list[list[Sprite]]
    riders: list[Sprite]
    parked: dict[str, list[Sprite]]
    vehicles: dict[str, list[Vehicle]]
    backdrop: list[Panorama]


@lru_cache(maxsize=2)
def make_kit(town: Town, seed: int) -> Kit:
    """Paint all textures of a town; the same seed paints the same. The two last made are kept."""
    rng = np.random.default_rng([seed, 2])
    atlas = Atlas()
    kit = Kit(
        atlas=atlas,
        surfaces=add_surfaces(atlas, town, rng),
        facades=add_facades(atlas, town, rng),
        trees=add_trees(atlas, town, rng),
        bushes=add_bushes(atlas, town, rng),
        furniture=add_furniture(atlas),
        pedestrians=add_pedestrians(atlas, rng),
        riders=add_riders(atlas, rng),
        parked=add_two_wheelers(atlas, rng),
        vehicles=add_vehicles(atlas, town, rng),
        backdrop=add_backdrop(atlas, town, rng),
    )
    atlas.build()
    return kit
