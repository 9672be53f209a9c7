"""Weather and sensor effects: each has a severity from 0 (nothing) to 1, and changes the image only."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..scene import Scene
from .drops import lens_drops
from .fog import fog
from .low_sun import low_sun
from .moment import Moment
from .night import night
from .processing import low_contrast, speckle, white_balance_drift
from .rain import rain_fall, wet_ground
from .sensor import exposure_drift, motion_blur, sensor_noise
from .snow import snow_cover, snow_fall

# In the order in which light meets them: surfaces, illumination, air, lens, sensor.
EFFECTS = (
    ('snow', snow_cover),
    ('rain', wet_ground),
    ('night', night),
    ('fog', fog),
    ('low_sun', low_sun),
    ('rain', rain_fall),
    ('snow', snow_fall),
    ('drops', lens_drops),
    ('blur', motion_blur),
    ('exposure', exposure_drift),
    ('white_balance', white_balance_drift),
    ('low_contrast', low_contrast),
    ('noise', sensor_noise),
    ('speckle', speckle),
)
CLEAR = 'clear'
WEATHERS = (CLEAR, *dict.fromkeys(name for name, _ in EFFECTS))
# Against tuning on what is tested: a trainer's own degradations, what settings may be chosen on, what decides.
FAMILIES = {
    'train': ('blur', 'noise', 'low_sun', 'exposure'),
    'tune': ('white_balance', 'low_contrast', 'speckle'),
    'test': ('fog', 'rain', 'night', 'snow', 'drops'),
}


def apply_weather(scene: Scene, weather: Mapping[str, float], frame: int = 0, seed: int = 0) -> np.ndarray:
    """The scene's image in some weather, HxWx3 uint8.

    weather: name -> severity in 0..1; 0 and 'clear' change nothing, dusk is night at 0.4. frame and seed place what
    moves (rain, snow, noise), so the same call gives the same picture. ValueError for an unknown name or severity.
    """
    for name, severity in weather.items():
        if name not in WEATHERS:
            raise ValueError(f"unknown weather '{name}'; weathers: {', '.join(WEATHERS)}")
        if not 0 <= severity <= 1:
            raise ValueError(f'severity of {name} must be within 0..1, got {severity}')
    moment = Moment(frame, seed, weather.get('night', 0.0))
    image = scene.image
    for name, effect in EFFECTS:
        if weather.get(name, 0.0) > 0:
            image = effect(image, scene, float(weather[name]), moment)
    return image.copy() if image is scene.image else image
