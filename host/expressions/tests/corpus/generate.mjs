// Writes corpus.json: what expr-eval 2.0.2 (npm, MIT) answers to expressions, for the Rust test to compare with.
// Run in a folder where `npm install expr-eval@2.0.2` was run:  node generate.mjs > corpus.json
import { createRequire } from 'node:module'
const { Parser } = createRequire(process.cwd() + '/')('expr-eval')

const variables = { a: 3, b: 4, zero: 0, x: -2.5, s: 'héllo', t: '12', empty: '', n: null, yes: true, no: false, list: [3, 1, 2], words: ['b', 'a'], o: { k: 1, d: { e: 'z' } } }

const expressions = []
const add = (...texts) => expressions.push(...texts)

// Every binary operator over every pair of values.
const operands = ['a', 'x', 's', 't', 'empty', 'n', 'yes', 'list', 'o', '"abc"', '2', '[1,2]']
const binary = ['+', '-', '*', '/', '%', '^', '||', '==', '!=', '<', '<=', '>', '>=', 'and', 'or', 'in']
for (const op of binary) for (const p of operands) for (const q of operands) add(`${p} ${op} ${q}`)
// Every prefix over every value, with and without parentheses.
const prefixes = ['sin', 'cos', 'tan', 'asin', 'acos', 'atan', 'sinh', 'cosh', 'tanh', 'asinh', 'acosh', 'atanh', 'sqrt', 'cbrt', 'log', 'log2', 'ln', 'lg', 'log10', 'expm1', 'log1p', 'abs', 'ceil', 'floor', 'round', 'trunc', '-', '+', 'exp', 'not', 'length', '!', 'sign']
for (const op of prefixes) for (const p of [...operands, '0', '0.5', '-1.5', '(1)', 'list[0]']) add(`${op} ${p}`, `${op}(${p})`, `${op}(${p})^2`, `2 ${op}(${p})`)
// Functions.
for (const p of operands) {
  add(`fac(${p})`, `${p}!`, `gamma(${p})`, `min(${p})`, `max(${p}, 1)`, `hypot(${p}, 4)`, `pyt(3, ${p})`, `pow(${p}, 2)`, `atan2(${p}, 2)`, `if(${p}, 1, 2)`,
    `roundTo(${p}, 1)`, `indexOf(1, ${p})`, `indexOf("l", ${p})`, `join("-", ${p})`, `map(sqrt, ${p})`, `${p} ? "y" : "n"`, `${p}[0]`, `${p}[1.9]`, `${p}[-1]`, `${p}.k`, `${p}()`)
}
add('min()', 'max()', 'min(1,2,3)', 'max([1,5,2])', 'min(1, [0])', 'hypot()', 'hypot(1,2,3)', 'pow(2)', 'roundTo(1.005, 2)', 'roundTo(1234.5678, -2)', 'roundTo(-2.5)', 'roundTo(1.5, 0.5)', 'roundTo("1.26", "1")',
  'gamma(0.5)', 'gamma(5.5)', 'gamma(100.5)', 'gamma(171)', 'gamma(172)', 'gamma(-1)', 'gamma(-1.5)', 'fac(0)', 'fac(20)', 'fac(-1)', 'fac(2.5)', '170!', '171!', '3!!', '-3!', '2^3!', '2!^2', '!(3)', '!3', 'x!=3', '5 !',
  'random() < 1', 'random(10) <= 10', 'if(1, 2)', 'if(0, 2)', 'if()')
// Numbers.
add('1', '1.5', '.5', '5.', '1e3', '1e-3', '1E+2', '2e', '1.2.3', '0x1F', '0xg', '0x', '0b101', '0b2', '0b', '1e400', '1e21', '1e-7', '123456789012345680000', '0.1+0.2', '-0', '1/0', '-1/0', '0/0', '1/-0', '"" || 1e21', '"" || 1e-7', '"" || 0.000001', '"" || -1.5', '"" || 1/3', 'PI', 'E', 'PI*2', '"1e3" * 1', '" 12 " * 1', '"0x10" * 1', '"1,5" * 1', '"Infinity" * 1', '"-Infinity" * 1', '"inf" * 1', '"." * 1')
// Precedence and associativity.
add('1+2*3', '(1+2)*3', '2^3^2', '-2^2', '2^-1', '2*-3', '--2', '- - 2', '+-2', '1-2-3', '8/4/2', '7%4%2', '1<2==true', '1 < 2 < 3', '3 > 2 > 1', '1 == 1 and 2 == 2 or n', 'not yes == no', 'not (yes) == no', 'not yes and no', 'no or not no', 'yes and no or yes', 'no and no or yes', 'yes or no and no', 'a + b || s', 's || a + b', '1 || 2 * 3', '1 ? 2 : 3 ? 4 : 5', '0 ? 2 : 0 ? 4 : 5', '1 ? 0 ? 1 : 2 : 3', '(1 ? 2 : 3) + 1', '1 + (0 ? 2 : 3)', 'sqrt 4 + 5', 'sqrt 4^2', 'sqrt(4)^2', '-sqrt(4)', 'sin cos 0', 'abs -3', 'length s + 1', 'length "abc"', 'length(123)', 'length [1,2]', '2 in [1,2] and yes', '1 + 2 in [3]', 'not 2 in [1,2]', '"a" in words', 's in s', '"h" in s', '2 in [1,"2"]')
// Short circuits.
add('no and missing', 'yes or missing', 'yes and missing', 'no or missing', 'yes ? 1 : missing', 'no ? 1 : missing', 'if(yes, 1, missing)', 'yes and 2', 'no or "x"', 'no or ""')
// Texts and escapes.
add('"a\\"b"', "'a\\'b'", '"\\n\\t\\\\\\/"', '"\\u00e9"', '"\\u00"', '"\\x"', '"abc', "'abc\"", '""', "''", '"é" || \'è\'', '"a" < "b"', '"a" < "B"', '"10" < "9"', '"10" < 9', '"a" < 1', 'null', '"\\u0041b"', '"a" == "a"', '"1" == 1', 's == s', 'list == list', '[1] == [1]', 'o == o', 'n == n', 'n == 0', 'n + 1', 'n || "x"', 'yes + yes')
// Arrays and members.
add('[]', '[1]', '[1,2,]', '[1 2]', '[,1]', '[[1],[2,[3]]]', '[1,2][0]', 'list[0]', 'list[list[1]]', 'list[9]', 'list || words', 'list || "x"', '[[1,2],3] || ""', 'list[0] + list[1]', 'o.k', 'o.d.e', 'o.d.x', 'o.x', 'o.x.y', 'o.d', 'n.k', 'a.k', 's.k', 'o.d["e"]', 'o .k', 'o.5', '[1,2](0)', 'o.k(1)', '(o.d).e', '[sqrt]', '[a, s, n]')
// Local functions, assignments, statements.
add('y = 3', 'y = 3; y * 2', 'y = z = 2; y + z', 'a = 5; a', 'f(v) = v * 2; f(4)', 'f(v) = v * a; f(4)', 'f(v, w) = v + w; f(1)', 'f(v, w) = v; f(1)', 'f() = 7; f()', 'f(v) = v > 1 ? v * f(v - 1) : 1; f(5)', 'f(v) = v; g(v) = f(v) + 1; g(1)', 'f(v) = (a = v; a); f(9) + a', 'f = 3; f(2)', 'f(v) = v; f', '1;2', '1;2;', ';1', '1;;2', ';', '', ' ', '(1;2)', '(1;2) + 1', '(1;)', 'f(1;2)', '1 = 2', 'a + b = 3', '"x" = 1', 'sin(v) = 1', 'o.k = 3', 'y = 3; y(1)', 'max = 3', 'map(f(v) = v + 1, list)', 'map(f(v, i) = i, words)', 'fold(f(m, v) = m + v, 0, list)', 'fold(max, 0, list)', 'fold(f(m, v, i) = m + i, 0, list)', 'filter(f(v) = v > 1, list)', 'filter(not, [0, 1, ""])', 'map(sqrt, [4, 9])', 'map(-, [4])', 'map(a, list)', 'map(sqrt, a)', 'fold(a, 0, list)', 'fold(max, 0, a)', 'filter(a, list)', 'filter(not, a)', 'map(not, [1]) == map(not, [1])', 'indexOf(2, list)', 'indexOf(9, list)', 'indexOf("l", s)', 'indexOf("", s)', 'indexOf("o", "héllo")', 'indexOf(1, 5)', 'join(",", list)', 'join(words, "x")', 'join("", [n, 1, "x"])', '(f(v) = v + 1)(2)', 'f(v) = g(v); g(v) = v * 3; f(2)')
// What is no expression.
add('1 +', '1 2', '(1', '1)', '[1', '1 ? 2', '1 ? 2 :', '? 1', '* 2', '1 * * 2', 'a b', 'f(', 'f(1', 'f(1,', 'f(1,)', 'f(,1)', 'f(1 2)', '1 .', 'o.', 'o.(k)', 'a..b', '@', '#a', 'a & b', 'a | b', 'a && b', '1 and', 'and 1', 'not', 'not)', 'sqrt', 'sqrt;', '1 in', '= 1', 'a = ', '/* note */ 1', '1 /* open', '/**/', '1 // 2', 'a$', '$a', '$', '_', '_a', 'a1', '1a', 'é', 'été', 'A', 'true', 'TRUE', 'yes = 1; yes', '1,2', 'a ∙ b', 'a • b', '{a}', '`a`', 'toto', '"a" "b"')

const plain = value => {
  if (value === undefined) return { nothing: true }
  if (typeof value === 'function') return { function: true }
  if (typeof value === 'number' && !Number.isFinite(value)) return { number: String(value) }
  if (Array.isArray(value)) return { array: value.map(plain) }
  if (value && typeof value === 'object') return { object: Object.entries(value).map(([k, v]) => [k, plain(v)]) }
  return { value }
}

const cases = []
for (const text of new Set(expressions)) {
  const scope = structuredClone(variables)
  let parsed
  try { parsed = new Parser().parse(text) } catch (error) { cases.push({ text, refused: error.message }); continue }
  try { cases.push({ text, ...plain(parsed.evaluate(scope)) }) } catch (error) { cases.push({ text, failed: error.message }) }
}
console.log(`{"variables":${JSON.stringify(variables)},"cases":[`)
console.log(cases.map(one => JSON.stringify(one)).join(',\n'))
console.log(']}')
