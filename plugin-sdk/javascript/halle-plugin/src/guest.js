// From a plugin as authors write it to the exports of its kind's world. `build` joins both; nobody else imports this.

import { Rows } from "./columns.js";
import { Response } from "./http.js";
import { Problem } from "./problem.js";
import { config, log } from "./run.js";

export { attach } from "./host.js";

/** The exported interface of a kind, over a plugin. */
export function exportsOf(kind, plugin) {
  const make = { enricher, processing, "catalog-connector": connector, visualisation, "remote-service": adapter }[kind];
  if (!plugin || typeof plugin !== "object") {
    throw new Error("the module of the plugin exports nothing: `export default define...({ ... })`");
  }
  return make(plugin);
}

/** Calls the author's code. What it throws crosses as a problem; bugs leave their trace in the log. */
function guarded(call) {
  return (...args) => {
    try {
      return call(...args);
    } catch (thrown) {
      const problem = Problem.from(thrown);
      if (problem.code === "plugin/exception") log.error(problem.message, problem.details ?? {});
      throw problem.toRecord();
    }
  };
}

const orNull = (value) => value ?? null;
const json = (value) => (value === undefined || value === null ? null : JSON.stringify(value));
const fieldRecord = ({ key, kind, nullable = true, title, concept }) => {
  return { key, kind, nullable, title: orNull(title), concept: orNull(concept) };
};
const problemRecord = (problem) => Problem.from(problem).toRecord();
const rowProblems = (problems = []) => problems.map(({ row, problem }) => [row, problemRecord(problem)]);
const answer = ({ columns, problems }) => ({ columns, problems: rowProblems(problems) });

/** A check of the configuration: the draft itself where the author has none, or answers nothing. */
function prepare(plugin) {
  return guarded((draft) => {
    const checked = plugin.prepare?.(JSON.parse(draft));
    return { config: json(checked?.config) ?? draft, notes: (checked?.notes ?? []).map(problemRecord) };
  });
}

function enricher(plugin) {
  const opened = guarded((session, input, config) => {
    session.fields = input;
    session.own = plugin.open(input, JSON.parse(config));
    return session;
  });
  const run = guarded((session, batch) => answer(session.own.run(new Rows(session.fields, batch))));
  class Session {
    static open(input, config) {
      return opened(new Session(), input, config);
    }

    run(batch) {
      return run(this, batch);
    }
  }
  return {
    Session,
    describe: () => ({ title: plugin.title, inputs: (plugin.inputs ?? []).map(fieldRecord) }),
    plan: guarded((input, config) => {
      const { inputs, outputs } = plugin.plan(input, JSON.parse(config));
      return { inputs, outputs: outputs.map(fieldRecord) };
    }),
  };
}

function processing(plugin) {
  return {
    describe: () => ({ title: plugin.title, details: null }),
    prepare: prepare(plugin),
    run: guarded((trigger) => {
      const outcome = plugin.run(config(), JSON.parse(trigger));
      return typeof outcome === "string"
        ? { summary: outcome, details: null }
        : { summary: outcome.summary, details: json(outcome.details) };
    }),
  };
}

function connector(plugin) {
  const entry = ({ id, title, kind, format, size, updated, details }) => {
    return { id, title, kind, format: orNull(format), size: orNull(size), updated: orNull(updated), details: json(details) };
  };
  const publication = ({ target, remoteId, url, state }) => {
    return { target, remoteId: orNull(remoteId), url: orNull(url), state: json(state) ?? "null" };
  };
  const can = (name, verb) => {
    if (!plugin[name]) throw new Problem("unsupported", `Ce connecteur ne sait pas ${verb}.`);
  };
  const current = (record) => ({ ...record, state: JSON.parse(record.state) });
  return {
    describe: () => ({ title: plugin.title, abilities: plugin.abilities ?? [] }),
    prepare: prepare(plugin),
    browse: guarded((folder, q, page, size, filters) => {
      const found = plugin.browse(config(), { folder, q, page, size, filters: JSON.parse(filters) });
      const { total, path = [], entries } = found;
      return { total: orNull(total), path: path.map(entry), entries: entries.map(entry) };
    }),
    fetch: guarded((id, options) => {
      const { body, name, metadata, etag } = plugin.fetch(config(), id, JSON.parse(options));
      return { body, name, metadata: json(metadata) ?? "{}", etag: orNull(etag) };
    }),
    publish: guarded((dataset, record) => {
      can("publish", "publier");
      return publication(plugin.publish(config(), JSON.parse(dataset), current(record)));
    }),
    unpublish: guarded((record) => {
      can("unpublish", "dépublier");
      plugin.unpublish(config(), current(record));
    }),
  };
}

function visualisation(plugin) {
  return {
    describe: () => ({ title: plugin.title, needs: (plugin.needs ?? []).map(fieldRecord), sizes: plugin.sizes ?? [] }),
    query: guarded((config) => {
      return plugin.query(JSON.parse(config)).map(({ name, dataset, operation, params = {}, maxRows }) => {
        return [name, { query: JSON.stringify({ dataset, operation, params }), maxRows }];
      });
    }),
    render: guarded((data, config, context) => {
      const named = data.map(({ name, schema, rows }) => ({ name, rows: new Rows(schema, rows) }));
      const { alt, table, ...picture } = plugin.render(named, JSON.parse(config), readContext(context));
      return { output: output(picture), alt, table: json(table) };
    }),
  };
}

/** The picture, under the name of its format. */
function output(picture) {
  if (picture.svg !== undefined) return { tag: "svg", val: picture.svg };
  if (picture.html !== undefined) return { tag: "html", val: picture.html };
  if (picture.vegaLite !== undefined) return { tag: "vega-lite", val: JSON.stringify(picture.vegaLite) };
  if (picture.vega !== undefined) return { tag: "vega", val: JSON.stringify(picture.vega) };
  throw new Problem("plugin/exception", "`render` doit donner `svg`, `html`, `vegaLite` ou `vega`.");
}

/** Where a picture is shown; the theme may cross as just `light` or `dark`. */
function readContext(text) {
  const context = { width: 800, height: 500, locale: "fr", theme: {}, ...JSON.parse(text) };
  if (typeof context.theme === "string") context.theme = { dark: context.theme === "dark" };
  return context;
}

function adapter(plugin) {
  return {
    describe: () => ({ title: plugin.title, formats: plugin.formats ?? [] }),
    fromOpenapi: guarded((document) => {
      return plugin.operations(JSON.parse(document)).map(({ id, title = "", input, output, maxRowsPerRequest = 1, details }) => {
        return { id, title, input: input.map(fieldRecord), output: output.map(fieldRecord), maxRowsPerRequest, details: json(details) };
      });
    }),
    build: guarded((_operation, batch, config) => {
      const service = JSON.parse(config);
      return plugin.build(service, new Rows(service.inputs, batch));
    }),
    parse: guarded((_operation, calls, responses, config) => {
      const answers = responses.map((response, index) => new Response(response, calls[index].request.url));
      return answer(plugin.parse(JSON.parse(config), calls, answers));
    }),
  };
}
