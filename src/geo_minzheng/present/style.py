"""Colours: one accent, greys, and colour only where it means something."""

ACCENT = "#1F4E79"
INK = "#222222"
GREY = "#6B6B6B"
LAND = "#F7F7F5"
WATER = "#CFE3F1"
HAZARD = "#2B7BBA"
CLOSED = "#E34A33"
RED_HEAD = "#D7000F"
SEVERITY = {"none": "#D9D9D9", "low": "#FEE8C8", "medium": "#FDBB84", "high": "#E34A33", "extreme": "#7F0000"}
GRADES = {"A": "#4D9221", "B": "#B8E186", "C": "#F1B6DA", "D": "#C51B7D"}
ROADS = {
    "motorway": ("#8C8C8C", 3.2),
    "trunk": ("#8C8C8C", 2.8),
    "primary": ("#9A9A9A", 2.4),
    "secondary": ("#A6A6A6", 2.0),
    "tertiary": ("#B4B4B4", 1.5),
    "residential": ("#C4C4C4", 1.1),
    "unclassified": ("#C4C4C4", 1.1),
    "service": ("#D0D0D0", 0.9),
    "track": ("#D0D0D0", 0.8),
    "footway": ("#D9D9D9", 0.7),
}
