/** What the tab's title says of the page that is shown, where the page knows better than its route. */
class Heading {
  text = $state<string | null>(null);

  /** For an effect of a page: gives back how to take it away. */
  set(text: string | null): () => void {
    this.text = text;
    return () => (this.text = null);
  }
}

export const heading = new Heading();
