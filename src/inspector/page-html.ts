/**
 * The page's HTML: in the repository it is built of its sources. In the package this file holds the page itself, so that bundles of every format have it.
 * @throws when it can't be built
 */
export async function pageHtml(): Promise<string> {
  // The name is put together, so that neither the compiler nor a bundler brings what builds the page into the package.
  const builder = (await import(new URL(`build-${'page'}.ts`, import.meta.url).href)) as {
    readonly buildPage: () => Promise<string>
  }
  return builder.buildPage()
}
