"""Shows in large how many lines of a dataset have a value in a column."""

from html import escape

from halle_plugin import DataRequest, Picture, Visualisation


class MyPlugin(Visualisation):
    """The visualisation."""

    title = "Ma visualisation"

    # The configuration; its schema is in `plugin.toml`.
    def query(self, config):
        params = {"metric": "value_count", "field": config["field"]}
        return [DataRequest("count", config["dataset"]["id"], "metric_agg", params, rows_max=1)]

    def render(self, data, config, context):
        total = data[0].rows.column("metric").number(0) or 0
        label = "rows" if context.locale.startswith("en") else "lignes"
        alt = f"{total} {label}"
        svg = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {context.width} {context.height}" role="img">'
            f"<title>{escape(alt)}</title>"
            f'<text x="50%" y="50%" font-size="{context.height // 5}" text-anchor="middle">{escape(alt)}</text></svg>'
        )
        return Picture("svg", svg, alt, {"columns": [label], "rows": [[total]]})


plugin = MyPlugin()
