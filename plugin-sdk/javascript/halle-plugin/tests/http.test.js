import assert from "node:assert/strict";
import { test } from "node:test";

import { Problem, download, encode, faultOf, getJson, nextLink, origin, pages, postJson, request, Response, sendPatiently, withQuery } from "../src/index.js";
import { FakeHost } from "../src/testing.js";

test("parameters are added before the fragment, encoded", () => {
  assert.equal(withQuery("https://a.b/c?x=1#top", { q: "été & co", none: null }), "https://a.b/c?x=1&q=%C3%A9t%C3%A9%20%26%20co#top");
  assert.equal(withQuery("https://a.b", {}), "https://a.b");
  assert.equal(encode("it's (1)!*"), "it%27s%20%281%29%21%2A");
});

test("the origin stops before the path", () => {
  assert.equal(origin("https://a.b:8443/c?d"), "https://a.b:8443");
  assert.equal(origin("a.b/c"), null);
});

test("the next page is found among links", () => {
  const response = (link) => new Response({ status: 200, headers: [["link", link]], body: new Uint8Array(), truncated: false }, "");
  assert.equal(nextLink(response('<https://a.b/?p=1>; rel=prev, <https://a.b/?p=3,4>; rel="next"')), "https://a.b/?p=3,4");
  assert.equal(nextLink(response("<https://a.b/?p=1>; rel=prev")), null);
});

test("pages follow their links to the end, and no further than allowed", () => {
  const host = new FakeHost()
    .on("GET", "https://a.b/1", "x", { headers: { Link: "<https://a.b/2>; rel=next" } })
    .on("GET", "https://a.b/2", "y")
    .on("GET", "https://a.b/loop", "z", { headers: { link: "<https://a.b/loop>; rel=next" } });
  const read = (url, options) => host.run(() => [...pages(url, options)].map((page) => page.text()));
  assert.deepEqual(read("https://a.b/1"), ["x", "y"]);
  assert.throws(() => read("https://a.b/loop", { max: 3 }), { code: "remote/pages" });
});

test("patience ends after the tries that were given", () => {
  const host = new FakeHost().on("GET", "https://a.b/", "", { status: 503 }).on("GET", "https://a.b/", "ok");
  assert.equal(host.run(() => sendPatiently(request("GET", "https://a.b/"), 2)).text(), "ok");
  const down = new FakeHost().on("GET", "https://a.b/", "", { status: 503 });
  assert.equal(down.run(() => sendPatiently(request("GET", "https://a.b/"), 3)).status, 503);
  assert.equal(down.requests.length, 3);
});

test("answers that are no success, or no JSON, are problems that say so", () => {
  const host = new FakeHost()
    .on("GET", "https://a.b/busy", "plus tard", { status: 429, headers: { "retry-after": "7" } })
    .on("GET", "https://a.b/html", "<p>");
  assert.throws(() => host.run(() => getJson("https://a.b/busy")), { code: "remote/status", retryAfterMs: 7000, details: { status: 429 } });
  assert.throws(() => host.run(() => getJson("https://a.b/html")), { code: "remote/json" });
  assert.throws(() => host.run(() => getJson("https://elsewhere.b/")), { code: "denied/http" });
});

test("each status has one meaning, and what may pass says when to ask again", () => {
  const answered = (ask, status, headers = {}) => {
    const host = new FakeHost().on("GET", "https://a.b/", "", { status, headers });
    return host.run(() => {
      try {
        return ask("https://a.b/");
      } catch (problem) {
        return problem;
      }
    });
  };
  for (const [statuses, fault, retryAfterMs] of [
    [[401, 403], "unauthorized", null],
    [[404, 410], "not-found", null],
    [[429, 503], "busy", 30_000],
    [[500, 502, 504], "failing", 30_000],
    [[304, 400, 422], "refused", null],
  ]) {
    for (const status of statuses) {
      for (const problem of [answered(getJson, status), answered(download, status)]) {
        assert.deepEqual([problem.status, problem.fault, problem.retryAfterMs], [status, fault, retryAfterMs]);
        assert.equal(problem.isTransient, retryAfterMs !== null, status);
      }
      assert.equal(faultOf(status), fault);
    }
  }
  assert.equal(faultOf(204), null);
  assert.equal(answered(download, 503, { "retry-after": "5" }).retryAfterMs, 5000);
  assert.equal(answered(download, 503, { "retry-after": "5 minutes" }).retryAfterMs, 30_000);
});

test("problems that are about no answer have no status, and some of them pass", () => {
  const problem = new Problem("mine", "", { details: { status: 503 } });
  assert.deepEqual([problem.status, problem.fault, problem.isTransient], [null, null, false]);
  assert.ok(new Problem("remote/timeout", "").isTransient);
});

test("a page that is not there is asked for once", () => {
  const host = new FakeHost().on("GET", "https://a.b/", "", { status: 404 });
  assert.throws(() => host.run(() => [...pages("https://a.b/")]), { fault: "not-found" });
  assert.equal(host.requests.length, 1);
});

test("JSON is sent as JSON", () => {
  const host = new FakeHost().on("POST", "https://a.b/", { ok: true });
  assert.deepEqual(host.run(() => postJson("https://a.b/", { a: 1 }, { auth: "token" })), { ok: true });
  const [sent] = host.requests;
  assert.equal(new TextDecoder().decode(sent.body), '{"a":1}');
  assert.equal(sent.auth, "token");
  assert.deepEqual(sent.headers.find(([name]) => name === "content-type"), ["content-type", "application/json"]);
});
