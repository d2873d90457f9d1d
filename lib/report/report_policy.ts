// What a report page may do: run its own scripts, and nothing that came into it by a run's data.
import { sha256 } from "../io/sha256.ts";

/** The scripts and styles that a page holds, as they stand in it. */
export interface PageCode {
  readonly scripts: readonly string[];
  readonly styles: readonly string[];
}

/**
 * A page's content security policy: code is known by its hash, so that neither an element nor an attribute that slipped
 * in can run. The only address that it may ask is its own server's, if it has one.
 */
export function contentPolicy({ scripts, styles }: PageCode, isLive: boolean): string {
  const hashes = (code: readonly string[]) => code.map((text) => `'sha256-${sha256(text, "base64")}'`).join(" ");
  return [
    "default-src 'none'",
    `script-src ${hashes(scripts)}`,
    `style-src ${hashes(styles)}`,
    // The empty icon, which keeps browsers from asking for one.
    "img-src data:",
    ...(isLive ? ["connect-src 'self'"] : []),
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
}
