// Whole numbers of 64 bits between the plugin and the contract. Authors have numbers; engines differ in what they hand over.

let asBigInts = false;

/** Says that the engine takes them as `BigInt`s only. `build` calls this for the engines that do. */
export function crossAsBigInts(does = true) {
  asBigInts = does;
}

/** Whole numbers as the engine takes them. */
export function lowerIntegers(values) {
  return asBigInts ? BigInt64Array.from(values, BigInt) : values;
}

/** What the engine gave, as numbers: exact up to 2^53. */
export function liftIntegers(values) {
  return values instanceof BigInt64Array ? Float64Array.from(values, Number) : values;
}
