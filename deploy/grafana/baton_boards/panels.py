"""Panels of Grafana, each with one sentence that says what is good and what to do when it is not."""

from grafana_foundation_sdk.builders import bargauge, common, dashboard, prometheus, stat, table, timeseries
from grafana_foundation_sdk.models.common import (
    BarGaugeDisplayMode,
    BarGaugeValueMode,
    BigValueColorMode,
    BigValueGraphMode,
    BigValueTextMode,
    ScaleDistribution,
    TableCellHeight,
    VizOrientation,
)
from grafana_foundation_sdk.models.dashboard import DataSourceRef, DataTransformerConfig, DynamicConfigValue, Threshold, ThresholdsMode

from . import words
from .queries import DAY, DAY_BEFORE, NOW, BEFORE, target, known

SOURCE = DataSourceRef(type_val="prometheus", uid="${source}")
COLUMNS = 24
# A point for each 16 pixels of a board that is 1920 wide: as many as can be told apart.
POINTS_PER_COLUMN = 5
# So many parts of a period have a spread; a week has parts of half a day.
PARTS = 14


def query(expr, legend="", instant=False, exemplar=False, place=0):
    made = prometheus.Dataquery().expr(expr).legend_format(legend or "__auto").ref_id(chr(ord("A") + place)).datasource(SOURCE)
    made = made.exemplar(exemplar)
    return made.instant() if instant else made.range()


def properties(**pairs):
    return [DynamicConfigValue(id_val=name.replace("__", "."), value=value) for name, value in pairs.items()]


def fixed(color):
    return {"mode": "fixed", "fixedColor": color}


def steps(*pairs):
    made = [Threshold(value=at, color=color) for at, color in pairs]
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(made)


def begun(kind, title, about, unit, span, height):
    made = kind.Panel().title(title).description(about).datasource(SOURCE).unit(unit).height(height).span(span)
    made = made.thresholds(steps((None, words.TEXT))).no_value("None")
    return made.interval("1m").max_data_points(PARTS)


def figures(title, about, said, span, height=3, size=22, missing="No workflows yet"):
    """A row of values with their names: (name, expression, unit, decimals, words for values)."""
    made = begun(stat, title, about, words.COUNT, span, height).color_mode(BigValueColorMode.VALUE).no_value(missing)
    made = made.graph_mode(BigValueGraphMode.NONE).orientation(VizOrientation.VERTICAL)
    made = made.text_mode(BigValueTextMode.VALUE_AND_NAME if len(said) > 1 else BigValueTextMode.VALUE)
    made = made.text(common.VizTextDisplayOptions().title_size(13).value_size(size))
    for place, (name, expr, unit, decimals, meanings) in enumerate(said):
        made = made.with_target(query(expr, name, instant=True, place=place))
        own = {"unit": unit}
        if decimals is not None:
            own["decimals"] = decimals
        if meanings:
            own["mappings"] = [mapping.to_json() for mapping in words.words_mapping(meanings)]
        made = made.override_by_name(name, properties(**own))
    return made


def figure(title, about, expr, unit, decimals=None, span=6, height=4, missing="None"):
    """One big number."""
    return figures(title, about, [(title, expr, unit, decimals, None)], span, height, 32, missing)


def rests(about, coverages, span=24, title="What the figures rest on", height=3, size=18, besides=()):
    """How much of the figures is covered, in words, and what else they rest on."""
    made = figures(title, about, [*(one.said() for one in coverages), *besides], span, height, size, words.UNKNOWN)
    return made.mappings(words.UNKNOWN_MAPPING).text_mode(BigValueTextMode.VALUE_AND_NAME)


def scored(one, values):
    """A figure in big, and beside it what it is compared with."""
    about, height = one.about, 3
    big = figures(one.title, about, [(one.title, one.value(), one.unit, one.decimals, None)], 3, height, 28, one.missing)
    columns = [
        ("Verdict", one.verdict(values.minimum_workflows_to_judge), words.COUNT, 2, None),
        # Of the value on the left, not of the change: the verdict says whether the change is more than chance.
        ("Value, 95 % ±", one.interval(), one.change_unit, one.decimals, 100),
        ("Change", one.change(), one.change_unit, one.decimals, 86),
        ("Before", known(one.value(BEFORE)), one.unit, one.decimals, 72),
        ("Target", known(target(one.name)), one.unit, None, 62),
        ("Met", one.met(), words.COUNT, 0, 60),
        (one.counted_in, known(one.events(NOW)), words.COUNT, 0, 84),
    ]
    beside = begun(table, "", about, words.COUNT, 9, height).mappings(words.UNKNOWN_MAPPING).no_value(one.missing)
    beside = beside.cell_height(TableCellHeight.SM)
    for place, (_, expr, _, _, _) in enumerate(columns):
        beside = beside.with_target(query(expr, instant=True, place=place).format("table"))
    beside = arranged(beside, [], [name for name, *_ in columns])
    for name, _, unit, decimals, width in columns:
        # The verdict takes what the others leave.
        own = {"unit": unit, **({"custom__width": width} if width else {"custom__minWidth": 90})}
        if decimals is not None:
            own["decimals"] = decimals
        if name == "Verdict":
            own["mappings"] = [mapping.to_json() for mapping in words.verdict_mapping(one.better)]
            own["custom__cellOptions"] = {"type": "color-text"}
            own["custom__align"] = "left"
        if name == "Met":
            met = words.words_mapping({1: "met", 0: "missed"}) + words.UNKNOWN_MAPPING
            own["mappings"] = [mapping.to_json() for mapping in met]
        if name == "Target":
            own["mappings"] = [mapping.to_json() for mapping in words.NO_TARGET_MAPPING]
        beside = beside.override_by_name(name, properties(**own))
    return [big, beside]


def arranged(made, by, names):
    """One row per group, one column per query, in their order and with their names."""
    values = [f"Value #{chr(ord('A') + place)}" for place in range(len(names))] if len(names) > 1 else ["Value"]
    order = {name: place for place, name in enumerate([*by, *values])}
    titles = {label: words.heading(label) for label in by}
    organize = {"excludeByName": {"Time": True}, "indexByName": order, "renameByName": {**dict(zip(values, names)), **titles}}
    made = made.with_transformation(DataTransformerConfig(id_val="merge", options={}))
    return made.with_transformation(DataTransformerConfig(id_val="organize", options=organize))


def rows(title, about, columns, by, span=12, sort=None, height=8, ascending=False, verdict=None):
    """One row per group, one column per figure: (name, expression, unit)."""
    made = begun(table, title, about, words.COUNT, span, height).mappings(words.UNKNOWN_MAPPING).cell_height(TableCellHeight.SM)
    for place, (_, expr, _) in enumerate(columns):
        made = made.with_target(query(expr, instant=True, place=place).format("table"))
    made = arranged(made, by, [name for name, _, _ in columns])
    for name, _, unit in columns:
        own = {"unit": unit}
        if name == "Verdict":
            own["mappings"] = [mapping.to_json() for mapping in words.verdict_mapping(verdict)]
            own["custom__cellOptions"] = {"type": "color-text"}
            own["custom__align"] = "left"
        if unit == words.COUNT:
            own["decimals"] = 0
        if unit == words.POINTS:
            own["decimals"] = 1
        if unit == words.PLAIN:
            own["decimals"] = 2
        made = made.override_by_name(name, properties(**own))
    sort = words.heading(sort) if sort in by else sort or columns[0][0]
    return made.sort_by([common.TableSortByFieldState().display_name(sort).desc(not ascending)])


def matrix(title, about, expr, row, column, unit, span=12, height=7):
    """Rows by columns."""
    made = begun(table, title, about, unit, span, height).with_target(query(expr, instant=True).format("table")).mappings(words.UNKNOWN_MAPPING)
    made = made.cell_height(TableCellHeight.SM)
    made = made.decimals(0) if unit == words.COUNT else made
    fields = {"rowField": row, "columnField": column, "valueField": "Value", "emptyValue": "null"}
    return made.with_transformation(DataTransformerConfig(id_val="groupingToMatrix", options=fields))


def lines(title, about, exprs, unit, axis, span=12, exemplar=False, dashed=(), zero=True, height=8, log=False):
    """Trends: (expression, legend); the axis says what one point is."""
    made = begun(timeseries, title, about, unit, span, height).max_data_points(span * POINTS_PER_COLUMN)
    made = made.fill_opacity(0).line_width(2).span_nulls(True).axis_label(axis).no_value("No data in this period")
    made = made.legend(common.VizLegendOptions().show_legend(True).display_mode("list").placement("bottom").calcs([]))
    made = made.min(0) if zero else made
    if log:
        # Below 1 the scale is linear, so that 0 is drawn too.
        made = made.scale_distribution(common.ScaleDistributionConfig().type(ScaleDistribution.SYMLOG).log(10).linear_threshold(1))
    for place, (expr, legend) in enumerate(exprs):
        made = made.with_target(query(expr, legend, exemplar=exemplar, place=place))
    if len(exprs) == 1 and "{{" not in exprs[0][1]:
        made = made.override_by_name(exprs[0][1], properties(color=fixed(words.LINE)))
    for legend in dashed:
        made = made.override_by_name(legend, properties(custom__lineStyle={"fill": "dash", "dash": [6, 6]}, color=fixed(words.EARLIER)))
    return made


THIS, EARLIER, TARGET, AT_LEAST, AT_MOST = "this period", "the period before", "target", "95 % at least", "95 % interval"


def trend(one, title, about, span=8, height=8):
    """This period over the one before, each point for the 24 hours that end there, with the target; a share has its 95 % interval too."""
    said = [(one.value(DAY), THIS), (one.value(DAY_BEFORE), EARLIER), (target(one.name, " @ end()"), TARGET)]
    banded = hasattr(one, "bound")
    if banded:
        said += [(one.bound("-", DAY), AT_LEAST), (one.bound("+", DAY), AT_MOST)]
    made = lines(title, about, said, one.unit, "24 hours up to each point", span, dashed=[EARLIER], height=height)
    made = made.override_by_name(THIS, properties(color=fixed(words.LINE), custom__lineWidth=3))
    made = made.override_by_name(TARGET, properties(color=fixed(words.TEXT), custom__lineWidth=1))
    if banded:
        hidden = {"legend": False, "tooltip": False, "viz": False}
        made = made.override_by_name(AT_LEAST, properties(color=fixed(words.LINE), custom__lineWidth=0, custom__hideFrom={**hidden, "legend": True}))
        made = made.override_by_name(AT_MOST, properties(color=fixed(words.LINE), custom__lineWidth=0, custom__fillBelowTo=AT_LEAST, custom__fillOpacity=20))
    return made


def bars(title, about, exprs, unit, span=8, height=8, decimals=None):
    """One bar per group, the value in text colour: an expression with its legend, or several."""
    exprs = exprs if isinstance(exprs, list) else [exprs]
    made = begun(bargauge, title, about, unit, span, height).orientation(VizOrientation.HORIZONTAL).min(0)
    made = made.value_mode(BarGaugeValueMode.TEXT).display_mode(BarGaugeDisplayMode.BASIC).thresholds(steps((None, words.LINE)))
    for place, (expr, legend) in enumerate(exprs):
        made = made.with_target(query(expr, legend, instant=True, place=place))
        for value, shown in words.VALUES.get(legend, {}).items():
            made = made.override_by_name(value, properties(displayName=shown))
    if decimals is None and unit == words.COUNT:
        decimals = 0
    return made.decimals(decimals) if decimals is not None else made

