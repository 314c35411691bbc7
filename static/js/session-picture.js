// The graph of a session as a picture to keep.

/** Save the canvas with the page's background, the session's name and the legend. */
export function savePicture(owner) {
  const drawn = owner.chart.takeScreenshot();
  const ratio = window.devicePixelRatio || 1;
  const [head, foot] = [44 * ratio, 36 * ratio];
  const picture = document.createElement("canvas");
  picture.width = drawn.width;
  picture.height = drawn.height + head + foot;
  const pen = picture.getContext("2d");
  const style = getComputedStyle(document.body);
  pen.fillStyle = getComputedStyle(document.documentElement).backgroundColor;
  pen.fillRect(0, 0, picture.width, picture.height);
  pen.drawImage(drawn, 0, head);
  pen.fillStyle = style.color;
  pen.font = `650 ${18 * ratio}px ${style.fontFamily}`;
  pen.fillText(owner.root.dataset.name, 12 * ratio, 28 * ratio);
  pen.font = `${13 * ratio}px ${style.fontFamily}`;
  let x = 12 * ratio;
  for (const { name, colour } of owner.drawn) {
    pen.fillStyle = colour;
    pen.fillRect(x, picture.height - 22 * ratio, 10 * ratio, 10 * ratio);
    pen.fillStyle = style.color;
    pen.fillText(name, x + 16 * ratio, picture.height - 12 * ratio);
    x += pen.measureText(name).width + 36 * ratio;
  }
  picture.toBlob((blob) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `${owner.root.dataset.name}.png`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1_000);
  });
}
