"""Baton's boards for Grafana, generated with its typed Foundation SDK from one source.

| file | what it holds |
|---|---|
| `values.py` | the values of the installation, checked |
| `objectives.py` | objectives with the rules and alerts on their error budgets |
| `words.py` | colours, units, words and value mappings: each once |
| `queries.py` | PromQL of counters under the variables of a board |
| `figures.py` | figures with their change, interval and verdict |
| `coverage.py` | how much of each figure is covered, in words |
| `panels.py` | panels of Grafana |
| `executive.py`, `product.py`, `engineering.py`, `sre.py` | the boards |
| `output.py` | boards as JSON, rules and data source as YAML |
"""
