import { lookOf } from '../text/statuses.ts'
import { shortText } from '../text/visible-text.ts'

/** The page's colours and fonts, for canvases. */
export class Theme {
  readonly #style = getComputedStyle(document.documentElement)
  readonly #colours = new Map<string, string>()
  readonly #shapes = new Map<string, Path2D>()

  /** A colour by its custom property. */
  colour(property: string): string {
    let colour = this.#colours.get(property)
    if (colour === undefined) {
      colour = this.#style.getPropertyValue(property).trim()
      this.#colours.set(property, colour)
    }
    return colour
  }

  colourOf(status: string): string {
    return this.colour(lookOf(status).colour)
  }

  /** Draws the shape of a status in a square of 14, its left upper corner at this place. */
  drawShape(context: CanvasRenderingContext2D, status: string, x: number, y: number): void {
    const { shape, isFilled } = lookOf(status)
    let path = this.#shapes.get(shape)
    if (path === undefined) {
      path = new Path2D(shape)
      this.#shapes.set(shape, path)
    }
    context.save()
    context.translate(x, y)
    context.scale(14 / 16, 14 / 16)
    context.lineWidth = 2
    context.lineCap = 'round'
    context.lineJoin = 'round'
    context.strokeStyle = this.colourOf(status)
    context.fillStyle = context.strokeStyle
    context.stroke(path)
    if (isFilled === true) context.fill(path)
    context.restore()
  }

  font(size: number, weight = 400): string {
    return `${weight} ${size}px ${this.colour('--sans')}`
  }
}

const cuts = new Map<string, string>()

/** A text cut to a width, in a font that the context has from then on. */
export function fitted(context: CanvasRenderingContext2D, font: string, text: string, width: number): string {
  context.font = font
  const key = `${width} ${font} ${text}`
  let cut = cuts.get(key)
  if (cut === undefined) {
    if (cuts.size > 20_000) cuts.clear()
    cut = cutToFit(context, shortText(text, 120), width)
    cuts.set(key, cut)
  }
  return cut
}

function cutToFit(context: CanvasRenderingContext2D, text: string, width: number): string {
  if (context.measureText(text).width <= width) return text
  let [low, high] = [0, text.length]
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (context.measureText(`${text.slice(0, middle)}…`).width <= width) low = middle
    else high = middle - 1
  }
  return `${text.slice(0, low)}…`
}
