// Limits what a report page may do: it runs its own scripts, and nothing that came in with a run's data.
import { sha256 } from "../io/sha256.ts";

/** A page's scripts and styles, exactly as they are in it. */
export interface PageCode {
  readonly scripts: readonly string[];
  readonly styles: readonly string[];
}

/**
 * A page's content security policy. Code is allowed by its hash, so that no element or attribute that slipped in can
 * run.
 * The page may only contact its own server, if it has one.
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
