// A service without a description of its own: `POST <server>/length` takes a list of texts and answers their lengths.

import { BatchBuilder, defineRemoteService, field, Problem, request, wantedOutputs } from "halle-plugin";

export default defineRemoteService({
  title: "Mon service",
  formats: ["openapi-3.0"],

  operations() {
    return [
      {
        id: "length",
        title: "Longueur d'un texte",
        input: [field("text", "text", { concept: "http://schema.org/description", nullable: false })],
        output: [field("length", "integer")],
        maxRowsPerRequest: 100,
      },
    ];
  },

  build({ server, operation }, rows) {
    const texts = rows.at(0);
    const asked = Array.from({ length: rows.length }, (_, row) => row).filter((row) => texts.text(row));
    const calls = [];
    for (let from = 0; from < asked.length; from += operation.maxRowsPerRequest) {
      const part = asked.slice(from, from + operation.maxRowsPerRequest);
      const body = part.map((row) => texts.text(row));
      calls.push({ rows: part, request: request("POST", `${server}/length`, { body }) });
    }
    return calls;
  },

  parse(service, calls, responses) {
    const found = new Array(service.rows).fill(null);
    const problems = [];
    calls.forEach(({ rows }, index) => {
      try {
        const lengths = responses[index].ok().json();
        rows.forEach((row, at) => (found[row] = lengths[at]));
      } catch (thrown) {
        problems.push(...rows.map((row) => ({ row, problem: Problem.from(thrown) })));
      }
    });
    const columns = new BatchBuilder(wantedOutputs(service));
    for (const length of found) columns.push({ length });
    return { columns: columns.finish(), problems };
  },
});
