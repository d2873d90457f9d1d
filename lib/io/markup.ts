// HTML in which foreign text never becomes markup: whatever is put into a template is escaped, unless it is HTML
// itself.

/** What can be put into a template: text and numbers, which are escaped, and HTML made by this module. */
export type HtmlPart = string | number | Html | readonly Html[];

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** HTML that can be put into a page as it is. Only this module makes it. */
export class Html {
  readonly #text: string;

  private constructor(text: string) {
    this.#text = text;
  }

  /** See {@linkcode markup}. */
  static fill(literals: TemplateStringsArray, parts: readonly HtmlPart[]): Html {
    const filled = parts.map((part, i) => {
      // Escaping would not help there, because a blank would end the value.
      if (/=\s*$/.test(literals[i])) {
        throw new Error("Cannot fill HTML: got an attribute without quotes, must be in quotes");
      }
      return Html.#escaped(part) + literals[i + 1];
    });
    return new Html(literals[0] + filled.join(""));
  }

  /** See {@linkcode inlineScript}, {@linkcode inlineStyle} and {@linkcode jsonScript}. */
  static element(name: "script" | "style", attributes: string, content: string): Html {
    if (content.toLowerCase().includes(`</${name}`) || (name === "script" && content.includes("<!--"))) {
      throw new Error(`Cannot put a ${name} into a page: got one that holds </${name} or <!--, must not`);
    }
    return new Html(`<${name}${attributes}>${content}</${name}>`);
  }

  static #escaped(part: HtmlPart): string {
    // Recognised by what only the constructor gives, not by a prototype, which anything can have.
    if (typeof part === "object" && #text in part) return part.#text;
    if (Array.isArray(part)) return part.map(Html.#escaped).join("");
    // Numbers too: what comes from a file may turn out to be text.
    return String(part).replace(/[&<>"']/g, (character) => ENTITIES[character]);
  }

  /** The HTML itself. */
  toString(): string {
    return this.#text;
  }

  /** In JSON it is a string. */
  toJSON(): string {
    return this.#text;
  }
}

/**
 * A template of HTML: `` markup`<p>${text}</p>` `` escapes `text`. What is put in stands between tags or in a quoted
 * attribute, never in a tag's name or in a script.
 *
 * It is not called `html`, because formatters move the white space of templates with that name.
 */
export function markup(literals: TemplateStringsArray, ...parts: readonly HtmlPart[]): Html {
  return Html.fill(literals, parts);
}

/**
 * A script element of the program's own code.
 * @throws {Error} If the code would end the element.
 */
export function inlineScript(code: string): Html {
  return Html.element("script", "", code);
}

/**
 * A style element of the program's own rules.
 * @throws {Error} If the rules would end the element.
 */
export function inlineStyle(rules: string): Html {
  return Html.element("style", "", rules);
}

/** Data for a script of the page; it may contain any text. */
export function jsonScript(id: string, value: unknown): Html {
  // Characters with a meaning in HTML, and those that older scripts take for the end of a line.
  const json = JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return Html.element("script", ` type="application/json" id="${markup`${id}`}"`, json);
}
