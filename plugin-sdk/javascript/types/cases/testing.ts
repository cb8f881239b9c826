// Native tests in TypeScript.

import { getJson } from "halle-plugin";
import { egress, integer, Schema } from "halle-plugin/schema";
import { FakeBlob, FakeHost } from "halle-plugin/testing";

const host = new FakeHost({ secrets: ["token"], source: "nom\nOrme\n" }).on("GET", "https://a.test/x", { n: 1 }, { status: 200 });
export const answer: number = host.run(() => getJson("https://a.test/x").n);
export const asked: string[] = host.requests.map(({ method, url }) => `${method} ${url}`);
export const text: string = new FakeBlob("a").text();

// @ts-expect-error There is no such thing to give to a host.
new FakeHost({ secret: "token" });

const schema = new Schema().required("url", egress("Adresse", "Address")).optional("n", integer("N", "N").range(1, 2).default(1));
export const toml: string = schema.toToml();
schema.checkManifest(toml);

// @ts-expect-error A field has a title in both languages.
schema.optional("m", integer("M"));
