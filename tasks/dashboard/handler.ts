// What the dashboard's server answers.
import { reportContent, reportHtml } from "../../lib/train/report.ts";
import { describeError } from "../cli/errors.ts";
import { PLOT_LIBRARY } from "../report/plot_library.ts";
import { WatchedRuns } from "./watched_runs.ts";

/** Where the page asks for what is new. */
const CONTENT_PATH = "/content";

/** Names that a browser on this machine may know the server by; others come from a page that was bent to point here. */
const HOSTS = ["127.0.0.1", "localhost"];

const HEADERS = {
  "cache-control": "no-store",
  "content-security-policy":
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'",
  "x-content-type-options": "nosniff",
};

/** Answers with a page on some runs, and with what is new of them. */
export function dashboardHandler(directories: readonly string[]): (request: Request) => Promise<Response> {
  const runs = new WatchedRuns(directories);
  const answer = async (request: Request): Promise<Response> => {
    const { hostname, pathname, searchParams } = new URL(request.url);
    if (!HOSTS.includes(hostname)) {
      return text(403, `Cannot answer: got host ${hostname}, must be ${HOSTS.join(" or ")}`);
    }
    if (request.method !== "GET") return text(405, `Cannot answer: got ${request.method}, must be GET`);
    if (pathname !== "/" && pathname !== CONTENT_PATH) {
      return text(404, `Cannot answer: got path ${pathname}, must be / or ${CONTENT_PATH}`);
    }
    await runs.poll();
    const { version, reports } = runs;
    if (pathname === "/") {
      const html = reportHtml(reports, PLOT_LIBRARY, { url: CONTENT_PATH, version });
      return new Response(html, { headers: { ...HEADERS, "content-type": "text/html; charset=utf-8" } });
    }
    if (searchParams.get("seen") === version) return new Response(null, { status: 204, headers: HEADERS });
    return Response.json({ version, content: reportContent(reports) }, { headers: HEADERS });
  };
  return async (request) => {
    try {
      return await answer(request);
    } catch (error) {
      return text(500, describeError(error));
    }
  };
}

function text(status: number, message: string): Response {
  return new Response(message, { status, headers: { ...HEADERS, "content-type": "text/plain; charset=utf-8" } });
}
