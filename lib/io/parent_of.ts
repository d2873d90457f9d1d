/** The directory that a path is in: `.` for a bare name. */
export function parentOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "." : path.slice(0, slash) || "/";
}

/** A path without the slashes at its end, which would hide the name of what it leads to. */
export function withoutSlashes(path: string): string {
  return path.replace(/(?<=.)\/+$/, "");
}

/** The last name in a path. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
