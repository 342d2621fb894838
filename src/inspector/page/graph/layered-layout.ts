/** What is laid out: boxes, and arrows between them by their numbers. */
export interface Drawing {
  readonly widths: ArrayLike<number>
  readonly heights: ArrayLike<number>
  readonly from: ArrayLike<number>
  readonly to: ArrayLike<number>
  readonly gapX: number
  readonly gapY: number
}

/** Where everything is: left upper corners of boxes, and the bends of arrows that pass by other layers. */
export interface Layout {
  readonly x: Float64Array
  readonly y: Float64Array
  readonly width: number
  readonly height: number
  /** By arrow: x and y of each bend in turn. */
  readonly bends: ReadonlyMap<number, Float64Array>
}

/** More places for arrows that pass layers cost time and make nothing clearer. */
const mostPlaces = 4_000

/**
 * Lays out a graph in layers from left to right: a box stands behind the longest path that leads to it; in a layer, boxes are near what they belong to
 * (four barycentre passes). Linear in boxes and arrows but for sorting. Circles do no harm: an arrow that closes one is left out of the layers.
 */
export function layOut(drawing: Drawing): Layout {
  const count = drawing.widths.length
  const arrows = drawing.from.length
  const out = neighbours(count, drawing.from, drawing.to)
  const isBack = backArrows(count, drawing, out)
  const rank = ranksOf(count, drawing, isBack)
  const { nodes, links, places } = withPlaces(arrows, drawing, rank, isBack)
  const layers = orderedLayers(nodes, links)
  const heights = (node: number): number => (node < count ? drawing.heights[node]! : 2)
  const middle = heightsOf(nodes.length, layers, links, heights, drawing.gapY)
  return placed(drawing, nodes, layers, middle, places)
}

interface Adjacency {
  readonly first: Int32Array
  readonly other: Int32Array
  readonly arrow: Int32Array
}

/** For each node, where its arrows lead: all in two arrays. */
function neighbours(count: number, from: ArrayLike<number>, to: ArrayLike<number>): Adjacency {
  const first = new Int32Array(count + 1)
  for (let index = 0; index < from.length; index++) first[from[index]! + 1]!++
  for (let node = 0; node < count; node++) first[node + 1]! += first[node]!
  const next = first.slice()
  const other = new Int32Array(from.length)
  const arrow = new Int32Array(from.length)
  for (let index = 0; index < from.length; index++) {
    const place = next[from[index]!]!++
    other[place] = to[index]!
    arrow[place] = index
  }
  return { first, other, arrow }
}

/** The arrows that close a circle, seen from the first node on. */
function backArrows(count: number, drawing: Drawing, { first, other, arrow }: Adjacency): Uint8Array {
  const isBack = new Uint8Array(drawing.from.length)
  const state = new Uint8Array(count) // 1: on the path, 2: done
  const place = new Int32Array(count)
  for (let root = 0; root < count; root++) {
    if (state[root] !== 0) continue
    const path = [root]
    state[root] = 1
    place[root] = first[root]!
    while (path.length > 0) {
      const node = path.at(-1)!
      if (place[node] === first[node + 1]) {
        state[node] = 2
        path.pop()
        continue
      }
      const at = place[node]!++
      const next = other[at]!
      if (state[next] === 1) isBack[arrow[at]!] = 1
      else if (state[next] === 0) {
        state[next] = 1
        place[next] = first[next]!
        path.push(next)
      }
    }
  }
  return isBack
}

function ranksOf(count: number, { from, to }: Drawing, isBack: Uint8Array): Int32Array {
  const rank = new Int32Array(count)
  const open = new Int32Array(count)
  for (let index = 0; index < from.length; index++) if (isBack[index] === 0) open[to[index]!]!++
  const { first, other, arrow } = neighbours(count, from, to)
  const isSource = new Uint8Array(count)
  const queue: number[] = []
  for (let node = 0; node < count; node++)
    if (open[node] === 0) {
      isSource[node] = 1
      queue.push(node)
    }
  for (const node of queue)
    for (let at = first[node]!; at < first[node + 1]!; at++) {
      if (isBack[arrow[at]!] !== 0) continue
      const next = other[at]!
      rank[next] = Math.max(rank[next]!, rank[node]! + 1)
      if (--open[next]! === 0) queue.push(next)
    }
  // What nothing leads to stands right before what needs it first.
  for (let node = 0; node < count; node++) {
    if (isSource[node] === 0) continue
    let nearest = Number.POSITIVE_INFINITY
    for (let at = first[node]!; at < first[node + 1]!; at++)
      if (isBack[arrow[at]!] === 0) nearest = Math.min(nearest, rank[other[at]!]!)
    if (nearest !== Number.POSITIVE_INFINITY) rank[node] = Math.max(0, nearest - 1)
  }
  return rank
}

interface Links {
  readonly from: readonly number[]
  readonly to: readonly number[]
}

interface WithPlaces {
  /** The layer of each node, those of arrows that pass by included. */
  readonly nodes: readonly number[]
  readonly links: Links
  /** By arrow: the nodes that stand for it in the layers that it passes. */
  readonly places: ReadonlyMap<number, readonly number[]>
}

function withPlaces(arrows: number, drawing: Drawing, rank: Int32Array, isBack: Uint8Array): WithPlaces {
  const nodes = [...rank]
  const from: number[] = []
  const to: number[] = []
  const places = new Map<number, readonly number[]>()
  let passed = 0
  for (let index = 0; index < arrows; index++)
    if (isBack[index] === 0) passed += Math.max(0, rank[drawing.to[index]!]! - rank[drawing.from[index]!]! - 1)
  const isRouted = passed <= mostPlaces
  for (let index = 0; index < arrows; index++) {
    if (isBack[index] !== 0) continue
    const [start, end] = [drawing.from[index]!, drawing.to[index]!]
    if (!isRouted || rank[end]! - rank[start]! <= 1) {
      from.push(start)
      to.push(end)
      continue
    }
    const own: number[] = []
    let before = start
    for (let layer = rank[start]! + 1; layer < rank[end]!; layer++) {
      const place = nodes.push(layer) - 1
      own.push(place)
      from.push(before)
      to.push(place)
      before = place
    }
    from.push(before)
    to.push(end)
    places.set(index, own)
  }
  return { nodes, links: { from, to }, places }
}

/** The nodes of each layer, in order. */
function orderedLayers(nodes: readonly number[], { from, to }: Links): readonly number[][] {
  const layers: number[][] = []
  nodes.forEach((layer, node) => {
    while (layers.length <= layer) layers.push([])
    layers[layer]!.push(node)
  })
  const position = new Float64Array(nodes.length)
  const renumber = (layer: readonly number[]): void => layer.forEach((node, index) => (position[node] = index))
  layers.forEach(renumber)
  const before = neighbours(nodes.length, to, from)
  const after = neighbours(nodes.length, from, to)
  const weight = new Float64Array(nodes.length)
  for (let pass = 0; pass < 4; pass++) {
    const isDown = pass % 2 === 0
    const { first, other } = isDown ? before : after
    const order = isDown ? layers : layers.toReversed()
    for (const layer of order) {
      for (const node of layer) {
        let sum = 0
        const size = first[node + 1]! - first[node]!
        for (let at = first[node]!; at < first[node + 1]!; at++) sum += position[other[at]!]!
        weight[node] = size === 0 ? position[node]! : sum / size
      }
      layer.sort((one, two) => weight[one]! - weight[two]! || position[one]! - position[two]!)
      renumber(layer)
    }
  }
  return layers
}

/** The height of each node's middle: as near to the middle of its neighbours as the others in its layer let it. */
function heightsOf(
  count: number,
  layers: readonly number[][],
  { from, to }: Links,
  heights: (node: number) => number,
  gap: number,
): Float64Array {
  const middle = new Float64Array(count)
  for (const layer of layers) {
    let at = 0
    for (const node of layer) {
      middle[node] = at + heights(node) / 2
      at += heights(node) + gap
    }
    for (const node of layer) middle[node]! -= (at - gap) / 2
  }
  const before = neighbours(count, to, from)
  const after = neighbours(count, from, to)
  const passes = count > 5_000 ? 4 : 10
  for (let pass = 0; pass < passes; pass++) {
    const isDown = pass % 2 === 0
    const { first, other } = isDown ? before : after
    for (const layer of isDown ? layers : layers.toReversed()) {
      const wanted = layer.map((node) => {
        const size = first[node + 1]! - first[node]!
        if (size === 0) return middle[node]!
        let sum = 0
        for (let at = first[node]!; at < first[node + 1]!; at++) sum += middle[other[at]!]!
        return sum / size
      })
      const apart = (index: number): number => (heights(layer[index - 1]!) + heights(layer[index]!)) / 2 + gap
      // Both keep the distances, one by moving what is in the way down, one by moving it up: so does the mean of them.
      const down = wanted.slice()
      for (let index = 1; index < down.length; index++)
        down[index] = Math.max(down[index]!, down[index - 1]! + apart(index))
      const up = wanted.slice()
      for (let index = up.length - 2; index >= 0; index--)
        up[index] = Math.min(up[index]!, up[index + 1]! - apart(index + 1))
      layer.forEach((node, index) => (middle[node] = (down[index]! + up[index]!) / 2))
    }
  }
  return middle
}

function placed(
  { widths, heights, gapX }: Drawing,
  nodes: readonly number[],
  layers: readonly number[][],
  middle: Float64Array,
  places: ReadonlyMap<number, readonly number[]>,
): Layout {
  const count = widths.length
  const x = new Float64Array(count)
  const y = new Float64Array(count)
  const left: number[] = []
  const layerWidths: number[] = []
  let at = 0
  for (const layer of layers) {
    let width = 0
    for (const node of layer) if (node < count) width = Math.max(width, widths[node]!)
    left.push(at)
    layerWidths.push(width)
    at += width + gapX
  }
  let top = Number.POSITIVE_INFINITY
  let bottom = 0
  for (let node = 0; node < count; node++) top = Math.min(top, middle[node]! - heights[node]! / 2)
  if (count === 0) top = 0
  for (let node = 0; node < count; node++) {
    x[node] = left[nodes[node]!]!
    y[node] = middle[node]! - heights[node]! / 2 - top
    bottom = Math.max(bottom, y[node]! + heights[node]!)
  }
  const bends = new Map<number, Float64Array>()
  for (const [arrow, own] of places) {
    const points = new Float64Array(own.length * 4)
    own.forEach((node, index) => {
      const layer = nodes[node]!
      const height = middle[node]! - top
      points.set([left[layer]!, height, left[layer]! + layerWidths[layer]!, height], index * 4)
    })
    bends.set(arrow, points)
  }
  return { x, y, width: Math.max(0, at - gapX), height: bottom, bends }
}
