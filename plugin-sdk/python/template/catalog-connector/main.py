"""A catalogue that is one JSON list, `[{"id", "title", "file"}]`, at `<url>/index.json`."""

from halle_plugin import CatalogConnector, Entry, Fetched, Listing, Problem, download, get_json


def items(config):
    return get_json(f"{config['url']}/index.json")


class MyPlugin(CatalogConnector):
    """The connector."""

    title = "Mon connecteur"
    abilities = ["browse", "search", "fetch"]

    def browse(self, config, page):
        wanted = (page.q or "").lower()
        found = [item for item in items(config) if wanted in item["title"].lower()]
        skipped = (page.page - 1) * page.size
        shown = found[skipped : skipped + page.size]
        return Listing([Entry(item["id"], item["title"]) for item in shown], total=len(found))

    def fetch(self, config, id, options):
        item = next((item for item in items(config) if item["id"] == id), None)
        if item is None:
            raise Problem("remote/not-found", f"« {id} » n'est plus dans le catalogue.")
        # The file stays on the host: it never comes through here, however large it is.
        body = download(f"{config['url']}/{item['file']}")
        return Fetched(body, item["file"], {"title": item["title"]})


plugin = MyPlugin()
