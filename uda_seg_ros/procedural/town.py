"""The two towns: everything in which their geometry and look differ, in one place."""

from __future__ import annotations

from dataclasses import dataclass

Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Town:
    """Metres, degrees, RGB 0..255; `sun` and `sky_light` are RGB factors on texture colours."""

    name: str
    road_half_m: float
    sidewalk_m: float
    lanes: tuple[float, ...]
    camera_lane: float
    parking_m: float
    camera_height_m: float
    field_of_view_deg: float
    camera_pitch_deg: float
    speed_mps: float
    stretch_m: tuple[float, float]
    floors: tuple[int, int]
    floor_m: float
    bay_m: float
    facade: str
    gables: bool
    walls: tuple[Colour, ...]
    asphalt: Colour
    pavement: Colour
    grass: Colour
    centre_line: Colour
    tree: str
    leaves: tuple[Colour, ...]
    paints: tuple[Colour, ...]
    sky_top: Colour
    sky_low: Colour
    clouds: float
    sun: Colour
    sky_light: Colour
    sun_elevation_deg: float
    sun_azimuth_deg: float
    haze_per_m: float

    @property
    def building_line_m(self) -> float:
        """Distance of the facades from the centre line, which is also half the side of a junction."""
        return self.road_half_m + self.sidewalk_m


TOWN_A = Town(
    name="town_a", road_half_m=5.4, sidewalk_m=4.3, lanes=(1.65,), camera_lane=1.65, parking_m=4.35,
    camera_height_m=1.45, field_of_view_deg=74, camera_pitch_deg=-1.5, speed_mps=8.5, stretch_m=(85, 130),
    floors=(2, 5), floor_m=3.2, bay_m=2.8, facade="sash", gables=True,
    walls=((176, 92, 70), (214, 186, 140), (226, 214, 190), (190, 128, 88), (160, 150, 140), (206, 160, 120)),
    asphalt=(104, 104, 108), pavement=(168, 162, 154), grass=(96, 122, 58), centre_line=(228, 228, 224),
    tree="round", leaves=((78, 116, 48), (96, 130, 52), (64, 100, 50)),
    paints=((186, 30, 32), (36, 66, 130), (228, 228, 228), (56, 58, 62), (150, 156, 162), (28, 92, 70), (20, 20, 24)),
    sky_top=(78, 132, 204), sky_low=(190, 214, 236), clouds=0.5,
    sun=(0.78, 0.73, 0.62), sky_light=(0.5, 0.53, 0.58), sun_elevation_deg=48, sun_azimuth_deg=52, haze_per_m=0.0022,
)  # fmt: skip

TOWN_B = Town(
    name="town_b", road_half_m=8.2, sidewalk_m=5.6, lanes=(1.75, 4.9), camera_lane=1.75, parking_m=7.1,
    camera_height_m=1.85, field_of_view_deg=82, camera_pitch_deg=-2.5, speed_mps=10.5, stretch_m=(100, 160),
    floors=(4, 11), floor_m=3.4, bay_m=3.3, facade="ribbon", gables=False,
    walls=((176, 184, 192), (120, 132, 146), (206, 204, 198), (98, 108, 112), (186, 168, 146), (148, 160, 160)),
    asphalt=(92, 89, 87), pavement=(184, 180, 176), grass=(132, 132, 74), centre_line=(224, 180, 62),
    tree="tall", leaves=((66, 92, 56), (94, 110, 50), (122, 118, 52)),
    paints=((236, 186, 36), (240, 240, 238), (92, 98, 104), (24, 26, 30), (128, 34, 44), (74, 110, 146), (196, 190, 176)),
    sky_top=(126, 158, 192), sky_low=(226, 220, 206), clouds=0.8,
    sun=(0.92, 0.76, 0.55), sky_light=(0.64, 0.65, 0.67), sun_elevation_deg=30, sun_azimuth_deg=-38, haze_per_m=0.0035,
)  # fmt: skip

TOWNS = {town.name: town for town in (TOWN_A, TOWN_B)}


def find_town(name: str) -> Town:
    """The town of that name; ValueError lists the names there are."""
    if name not in TOWNS:
        raise ValueError(f"unknown town '{name}'; towns: {', '.join(TOWNS)}")
    return TOWNS[name]
