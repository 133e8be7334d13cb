//! Renders an `otpauth` URI as a QR code that an authenticator app can scan.

use base64::{Engine, engine::general_purpose::STANDARD};
use png::{BitDepth, ColorType, Encoder};
use qrcode::{Color, QrCode, render::svg};
use zeroize::Zeroizing;

use super::SecretText;

/// Width of one square (a "module") of the QR code, in pixels.
const SCALE: usize = 4;
/// Width of the white margin around the QR code, in modules. Scanners need the margin to find the
/// code.
const QUIET: usize = 4;

pub(crate) fn qr_svg(uri: &SecretText) -> Option<SecretText> {
    let code = QrCode::new(uri.expose().as_bytes()).ok()?;
    Some(SecretText::new(code.render::<svg::Color<'_>>().min_dimensions(200, 200).build()))
}

pub(crate) fn qr_png_base64(uri: &SecretText) -> Option<SecretText> {
    let code = QrCode::new(uri.expose().as_bytes()).ok()?;
    let side = (code.width() + 2 * QUIET) * SCALE;
    let squares: Vec<bool> = code.to_colors().into_iter().map(|square| square == Color::Dark).collect();
    let squares = Zeroizing::new(squares);
    let png = png(side, &rows(&squares, code.width(), side))?;
    Some(SecretText::new(STANDARD.encode(png.as_slice())))
}

/// Returns the lines of pixels of the PNG picture. Each pixel is one bit: 0 is black and 1 is
/// white.
fn rows(squares: &[bool], width: usize, side: usize) -> Zeroizing<Vec<u8>> {
    let is_dark = |x: usize, y: usize| {
        let [x, y] = [x, y].map(|pixel| (pixel / SCALE).checked_sub(QUIET).filter(|square| *square < width));
        x.zip(y).and_then(|(x, y)| squares.get(y * width + x)).is_some_and(|dark| *dark)
    };
    let lines = (0..side).flat_map(|y| (0..side.div_ceil(8)).map(move |byte| (byte, y)));
    let bytes = lines.map(|(byte, y)| {
        (0..8).map(|bit| u8::from(!is_dark(byte * 8 + bit, y))).fold(0, |bits, bit| bits << 1 | bit)
    });
    Zeroizing::new(bytes.collect())
}

fn png(side: usize, rows: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let side = u32::try_from(side).ok()?;
    let mut png = Zeroizing::new(Vec::new());
    let mut encoder = Encoder::new(&mut *png, side, side);
    encoder.set_color(ColorType::Grayscale);
    encoder.set_depth(BitDepth::One);
    encoder.write_header().and_then(|mut writer| writer.write_image_data(rows)).ok()?;
    Some(png)
}

#[cfg(test)]
mod tests {
    use super::*;

    const URI: &str = "otpauth://totp/Shop:admin?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Shop";

    #[test]
    fn the_png_is_the_code_in_its_frame() {
        let png = STANDARD.decode(qr_png_base64(&SecretText::new(URI.to_owned())).unwrap().expose()).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
        let code = QrCode::new(URI).unwrap();
        let side = (code.width() + 8) * 4;
        let info = reader.info();
        assert_eq!((info.width as usize, info.height as usize), (side, side));
        let mut lines = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut lines).unwrap();
        let pixel = |x: usize, y: usize| lines[y * side.div_ceil(8) + x / 8] >> (7 - x % 8) & 1;
        for (place, square) in code.to_colors().into_iter().enumerate() {
            let [x, y] = [place % code.width(), place / code.width()].map(|square| (square + 4) * 4);
            let dark = u8::from(square == Color::Light);
            assert_eq!([pixel(x, y), pixel(x + 3, y + 3)], [dark; 2]);
        }
        assert_eq!([pixel(0, 0), pixel(15, 40), pixel(side - 1, side - 1)], [1; 3]);
    }
}
