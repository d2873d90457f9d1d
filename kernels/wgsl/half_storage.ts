/**
 * Rewrites a kernel so that some of its arrays hold f16: what it reads of them is widened to f32, what it writes is
 * rounded, and everything between is computed in f32 as before. So each kernel has one source for both precisions.
 */

/** A binding's declaration: its index, its name, and its element type. */
const BINDING = /@group\(0\) @binding\((\d+)\) var<storage, \w+> (\w+): array<(f32|vec2f|vec4f)>;/g;

/** Where an element is, in the types of f16 and f32. */
interface HalfArray {
  readonly half: string;
  readonly full: keyof typeof HALVES;
}

/** Types of arrays, and those that hold as many numbers in f16. */
const HALVES = { f32: "f16", vec2f: "vec2<f16>", vec4f: "vec4<f16>" } as const;

/**
 * The source with f16 in the place of f32 in some arrays.
 *
 * @param bindings Which bindings hold f16.
 * @throws {Error} If a binding is no array of f32, vec2f or vec4f.
 */
export function withHalfStorage(source: string, bindings: ReadonlySet<number>): string {
  const arrays = new Map<string, HalfArray>();
  const declared = source.replace(BINDING, (declaration, index: string, name: string, type: HalfArray["full"]) => {
    if (!bindings.has(Number(index))) return declaration;
    const half = HALVES[type];
    arrays.set(name, { half, full: type });
    return declaration.replace(`array<${type}>`, `array<${half}>`);
  });
  if (arrays.size !== bindings.size) {
    throw new Error(`Cannot store bindings ${[...bindings].join(", ")} as f16: the source declares them otherwise`);
  }
  return `enable f16;\n\n${convertAccesses(declared, arrays)}`;
}

/** Puts conversions around every element of the arrays: `y[i] += x[j];` becomes `y[i] = f16(f32(y[i]) + (f32(x[j])));`. */
function convertAccesses(text: string, arrays: ReadonlyMap<string, HalfArray>): string {
  const token = /\/\/.*|[\w.]+/g;
  let converted = "";
  let done = 0;
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    const array = arrays.get(match[0]);
    const indexed = token.lastIndex;
    if (array === undefined || text[indexed] !== "[") continue;
    let end = indexed;
    while (text[end] === "[") end = afterBracket(text, end);
    const element = match[0] + convertAccesses(text.slice(indexed, end), arrays);
    converted += text.slice(done, match.index);
    const assignment = /^\s*(\+?)=(?!=)\s*/.exec(text.slice(end));
    if (assignment === null) {
      converted += `${array.full}(${element})`;
      done = end;
    } else {
      const semicolon = text.indexOf(";", end);
      const value = convertAccesses(text.slice(end + assignment[0].length, semicolon), arrays);
      const sum = assignment[1] === "+" ? `${array.full}(${element}) + (${value})` : value;
      converted += `${element} = ${array.half}(${sum})`;
      done = semicolon;
    }
    token.lastIndex = done;
  }
  return converted + text.slice(done);
}

/** The position after the bracket that closes the one at `open`. */
function afterBracket(text: string, open: number): number {
  let depth = 0;
  for (let i = open; i < text.length; i++) {
    if (text[i] === "[") depth++;
    if (text[i] === "]" && --depth === 0) return i + 1;
  }
  throw new Error(`Cannot store an array as f16: the source lacks a "]" after ${text.slice(open, open + 40)}`);
}
