"""Distances and driving times without a road network.

Great-circle distance times a road factor at one speed, plus a fixed time per
stop: the planner's default until an operator plugs in a routing engine. Answers
name it (`NAME`), so that nobody takes it for measured driving time.
"""

from math import asin, cos, radians, sin, sqrt

import numpy as np
from numpy.typing import NDArray

NAME = "haversine × 1.35, 32 km/h, 3 min per stop"
EARTH_RADIUS_KM = 6371.0
ROAD_FACTOR = 1.35
SPEED_KMH = 32.0
STOP_MINUTES = 3.0
SAME_PLACE_KM = 0.05

Floats = NDArray[np.float64]


def haversine_km(lat1: Floats, lon1: Floats, lat2: Floats, lon2: Floats) -> Floats:
    """Return great-circle kilometres between points in degrees; arrays broadcast."""
    rad = np.pi / 180
    half_lat = np.sin((lat2 - lat1) * rad / 2) ** 2
    half_lon = np.sin((lon2 - lon1) * rad / 2) ** 2
    chord = half_lat + np.cos(lat1 * rad) * np.cos(lat2 * rad) * half_lon
    return np.asarray(2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(chord)))


def road_km(lat1: Floats, lon1: Floats, lat2: Floats, lon2: Floats) -> Floats:
    return haversine_km(lat1, lon1, lat2, lon2) * ROAD_FACTOR


def drive_minutes(km: Floats) -> Floats:
    """Return minutes for road kilometres, with the stop unless it is the same place."""
    stop = np.where(km > SAME_PLACE_KM, STOP_MINUTES, 0.0)
    return km / SPEED_KMH * 60 + stop


def drive_minutes_between(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Return `drive_minutes` between two (lat, lon): the same, quicker for one pair."""
    lat1, lon1, lat2, lon2 = map(radians, (*a, *b))
    chord = sin((lat2 - lat1) / 2) ** 2
    chord += cos(lat1) * cos(lat2) * sin((lon2 - lon1) / 2) ** 2
    km = 2 * EARTH_RADIUS_KM * asin(sqrt(chord)) * ROAD_FACTOR
    return km / SPEED_KMH * 60 + (STOP_MINUTES if km > SAME_PLACE_KM else 0.0)
