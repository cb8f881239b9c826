// Adds the column `greeting` to datasets that have a column of names.

import { batchOfColumns, defineEnricher, field, Problem } from "halle-plugin";

// The concept of names: columns are found by what they mean, whatever they are called.
const NAME = "http://www.w3.org/2000/01/rdf-schema#label";

const OUTPUTS = [field("greeting", "text", { title: "Salutation" })];

export default defineEnricher({
  title: "Mon enrichissement",
  inputs: [field("name", "text", { title: "Nom", concept: NAME, nullable: false })],

  plan(input) {
    const name = input.find(({ concept, key }) => concept === NAME || key === "name");
    if (!name) throw new Problem("input/missing", "Il manque une colonne de noms.");
    return { inputs: [name.key], outputs: OUTPUTS };
  },

  // The configuration; its schema is in `plugin.toml`.
  open(_input, { prefix = "" }) {
    return {
      run(rows) {
        const names = rows.at(0);
        const greetings = [];
        const problems = [];
        for (let row = 0; row < rows.length; row++) {
          const name = names.text(row);
          // An empty text is a missing value.
          greetings[row] = name ? `${prefix}Bonjour ${name}` : "";
          if (!name) problems.push({ row, problem: new Problem("name/missing", "Cette ligne n'a pas de nom.") });
        }
        return { columns: batchOfColumns(OUTPUTS, [greetings]), problems };
      },
    };
  },
});
