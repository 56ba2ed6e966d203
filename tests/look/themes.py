"""Grafana's two themes as far as a board shows them: grounds, text, and its palette, which has other shades in the dark than in the light theme.

From Grafana's `createColors.ts` and `createVisualizationColors.ts`; the names are those that a board may use.
"""

HUES = {
    "dark": {
        "red": ("#FFA6B0", "#FF7383", "#F2495C", "#E02F44", "#C4162A"),
        "orange": ("#FFCB7D", "#FFB357", "#FF9830", "#FF780A", "#FA6400"),
        "yellow": ("#FFF899", "#FFEE52", "#FADE2A", "#F2CC0C", "#E0B400"),
        "green": ("#C8F2C2", "#96D98D", "#73BF69", "#56A64B", "#37872D"),
        "blue": ("#C0D8FF", "#8AB8FF", "#5794F2", "#3274D9", "#1F60C4"),
        "purple": ("#DEB6F2", "#CA95E5", "#B877D9", "#A352CC", "#8F3BB8"),
    },
    "light": {
        "red": ("#FF7383", "#F2495C", "#E02F44", "#C4162A", "#AD0317"),
        "orange": ("#FFB357", "#FF9830", "#FF780A", "#FA6400", "#E55400"),
        "yellow": ("#FFEE52", "#FADE2A", "#F2CC0C", "#E0B400", "#CC9D00"),
        "green": ("#96D98D", "#73BF69", "#56A64B", "#37872D", "#19730E"),
        "blue": ("#8AB8FF", "#5794F2", "#3274D9", "#1F60C4", "#1250B0"),
        "purple": ("#CA95E5", "#B877D9", "#A352CC", "#8F3BB8", "#7C2EA3"),
    },
}
SHADES = ("super-light-", "light-", "", "semi-dark-", "dark-")
# Canvas, panel, text, secondary text, lines and weak borders.
GROUNDS = {
    "dark": {"canvas": "#111217", "panel": "#181b1f", "text": "#ccccdc", "muted": "#8d8e9b", "line": "#2e3035"},
    "light": {"canvas": "#f4f5f5", "panel": "#ffffff", "text": "#24292e", "muted": "#5b5f63", "line": "#dddfe1"},
}
# Grafana's classic palette for lines without a colour of their own: the first eight.
CLASSIC = ("green", "yellow", "light-blue", "orange", "red", "blue", "purple", "semi-dark-green")


def color(name, theme):
    """A colour of a board as the theme draws it."""
    if name.startswith("#"):
        return name
    if name == "text":
        return GROUNDS[theme]["text"]
    shade = next(s for s in sorted(SHADES, key=len, reverse=True) if name.startswith(s) and name[len(s):] in HUES[theme])
    return HUES[theme][name[len(shade):]][SHADES.index(shade)]


def luminance(color):
    """Of WCAG 2.2."""
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)
