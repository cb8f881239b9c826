// What plugins for Halle are written with. Compiled into a plugin, these functions call the platform; in a test, they are
// answered by `FakeHost` of `halle-plugin/testing`.

export { batchOf, BatchBuilder, batchOfColumns, Column, field, KINDS, Rows } from "./columns.js";
export { csvObjects, formatCsv, parseCsv } from "./csv.js";
export { blobOf, csvRows, lines, openWrite, readDataset, readReference, readText, sourceFile, state, Writer } from "./data.js";
export { formatDay, formatInstant, parseDay, parseInstant } from "./dates.js";
export {
  download, encode, getJson, nextLink, origin, pages, postJson, request, Response, send, sendPatiently, upload, withQuery,
} from "./http.js";
export {
  defineCatalogConnector, defineEnricher, defineProcessing, defineRemoteService, defineVisualisation, notModified, wantedOutputs,
} from "./kinds.js";
export { Problem, faultOf } from "./problem.js";
export { checkCancelled, config, log, progress, remainingMs, secretNames } from "./run.js";
export { decodeUtf8, encodeUtf8 } from "./text.js";
export { Element, escapeXml, parseXml } from "./xml.js";
