//! An `otpauth` URI as a picture, for an authenticator to scan.

use base64::{Engine, engine::general_purpose::STANDARD};
use qrcode::{Color, QrCode, render::svg};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

/// Pixels of a square of the code.
const SCALE: usize = 4;
/// Squares of white around the code, which scanners find it by.
const QUIET: usize = 4;

pub(crate) fn qr_svg(uri: &SecretString) -> Option<SecretString> {
    let code = QrCode::new(uri.expose_secret().as_bytes()).ok()?;
    Some(SecretString::from(code.render::<svg::Color<'_>>().min_dimensions(200, 200).build()))
}

pub(crate) fn qr_png_base64(uri: &SecretString) -> Option<SecretString> {
    let code = QrCode::new(uri.expose_secret().as_bytes()).ok()?;
    let side = (code.width() + 2 * QUIET) * SCALE;
    let squares: Vec<bool> = code.to_colors().into_iter().map(|square| square == Color::Dark).collect();
    let squares = Zeroizing::new(squares);
    let png = png(side, &rows(&squares, code.width(), side))?;
    Some(SecretString::from(STANDARD.encode(png.as_slice())))
}

/// The lines of the picture, a bit for a pixel, black is 0; before each line stands that it is not filtered.
fn rows(squares: &[bool], width: usize, side: usize) -> Zeroizing<Vec<u8>> {
    let is_dark = |x: usize, y: usize| {
        let [x, y] = [x, y].map(|pixel| (pixel / SCALE).checked_sub(QUIET).filter(|square| *square < width));
        x.zip(y).and_then(|(x, y)| squares.get(y * width + x)).is_some_and(|dark| *dark)
    };
    let mut rows = Zeroizing::new(Vec::with_capacity((side.div_ceil(8) + 1) * side));
    for y in 0..side {
        rows.push(0);
        for byte in 0..side.div_ceil(8) {
            let bits = (0..8).map(|bit| u8::from(!is_dark(byte * 8 + bit, y)));
            rows.push(bits.fold(0, |bits, bit| bits << 1 | bit));
        }
    }
    rows
}

/// A picture of black and white pixels (RFC 2083), its lines not compressed: it is small, and seen once.
fn png(side: usize, rows: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let side = u32::try_from(side).ok()?.to_be_bytes();
    let mut png = Zeroizing::new(b"\x89PNG\r\n\x1a\n".to_vec());
    // One bit a pixel, grey; the methods there are; not interlaced.
    chunk(&mut png, b"IHDR", &[&side[..], &side[..], &[1, 0, 0, 0, 0]].concat())?;
    chunk(&mut png, b"IDAT", &zlib(rows)?)?;
    chunk(&mut png, b"IEND", &[])?;
    Some(png)
}

fn chunk(png: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) -> Option<()> {
    png.extend_from_slice(&u32::try_from(data.len()).ok()?.to_be_bytes());
    png.extend_from_slice(kind);
    png.extend_from_slice(data);
    png.extend_from_slice(&crc32(kind.iter().chain(data)).to_be_bytes());
    Some(())
}

/// Blocks that are stored as they are (RFC 1950 and 1951).
fn zlib(data: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut stream = Zeroizing::new(vec![0x78, 0x01]);
    let mut blocks = data.chunks(usize::from(u16::MAX)).peekable();
    while let Some(block) = blocks.next() {
        let length = u16::try_from(block.len()).ok()?;
        stream.push(u8::from(blocks.peek().is_none()));
        stream.extend_from_slice(&length.to_le_bytes());
        stream.extend_from_slice(&(!length).to_le_bytes());
        stream.extend_from_slice(block);
    }
    let (low, high) = data.iter().fold((1, 0), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % 65_521;
        (low, (high + low) % 65_521)
    });
    stream.extend_from_slice(&(high << 16 | low).to_be_bytes());
    Some(stream)
}

fn crc32<'a>(bytes: impl Iterator<Item = &'a u8>) -> u32 {
    let step = |crc: u32, _| crc >> 1 ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 };
    !bytes.fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

#[cfg(test)]
mod tests {
    use super::*;

    const URI: &str = "otpauth://totp/Shop:admin?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Shop";

    #[test]
    fn the_checksums_are_those_of_the_standards() {
        assert_eq!(crc32(b"123456789".iter()), 0xcbf4_3926);
        let stream = zlib(b"Wikipedia").unwrap();
        assert_eq!(stream[stream.len() - 4..], 0x11e6_0398_u32.to_be_bytes());
        assert_eq!(stream[2..7], [1, 9, 0, 0xf6, 0xff]);
    }

    #[test]
    fn the_png_is_the_code_in_its_frame() {
        let png = STANDARD.decode(qr_png_base64(&URI.into()).unwrap().expose_secret()).unwrap();
        assert!(png.starts_with(b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR"));
        let code = QrCode::new(URI).unwrap();
        let side = u32::from_be_bytes(png[16..20].try_into().unwrap()) as usize;
        assert_eq!(side, (code.width() + 8) * 4);
        // After the heads of the stream and of its only block.
        let lines = &png[33 + 8 + 2 + 5..];
        let pixel = |x: usize, y: usize| lines[y * (side.div_ceil(8) + 1) + 1 + x / 8] >> (7 - x % 8) & 1;
        for (place, square) in code.to_colors().into_iter().enumerate() {
            let [x, y] = [place % code.width(), place / code.width()].map(|square| (square + 4) * 4);
            let dark = u8::from(square == Color::Light);
            assert_eq!([pixel(x, y), pixel(x + 3, y + 3)], [dark; 2]);
        }
        assert_eq!([pixel(0, 0), pixel(15, 40), pixel(side - 1, side - 1)], [1; 3]);
    }
}
