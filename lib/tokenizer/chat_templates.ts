// Templates for chats, as text.
import { isJsonObject } from "../io/json_fields.ts";
import type { TokenizerConfig } from "./vocabulary/vocabulary.ts";

/** The chat templates by name, as text; the usual one has the name `default`. */
export function chatTemplatesOf(config: TokenizerConfig | undefined): Readonly<Record<string, string>> {
  const { settings = {}, chatTemplate } = config ?? {};
  const listed = Array.isArray(settings.chat_template) ? settings.chat_template as unknown[] : [];
  const named = listed.flatMap((entry): [string, string][] =>
    isJsonObject(entry) && typeof entry.name === "string" && typeof entry.template === "string"
      ? [[entry.name, entry.template]]
      : []
  );
  const usual = chatTemplate ?? (typeof settings.chat_template === "string" ? settings.chat_template : undefined);
  return Object.fromEntries([...named, ...usual === undefined ? [] : [["default", usual] as const]]);
}
