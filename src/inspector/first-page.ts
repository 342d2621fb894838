/** What is served until there is a page. */
export function pageFile(): Promise<{ readonly html: string; readonly policy: string }> {
  return Promise.resolve({
    html: '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Docket</title></head><body>Docket</body></html>',
    policy: "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  })
}
