//! How PMBus writes numbers. Pure.
//!
//! | format | word | value |
//! |---|---|---|
//! | LINEAR11 | 5-bit signed exponent N, 11-bit signed mantissa Y | Y·2^N |
//! | LINEAR16 | 16-bit *unsigned* mantissa Y; N is in `VOUT_MODE` | Y·2^N |
//! | DIRECT | 16-bit signed Y; m, b, R are in the data sheet | (Y·10^−R − b)/m |
//!
//! Source: PMBus Specification, Part II, chapters 7 and 8; SMBus Specification, chapter 5.4 for the packet error code.

/// A LINEAR11 word as a number.
pub fn linear11(word: u16) -> f64 {
    let [high, _] = word.to_be_bytes();
    #[allow(clippy::cast_possible_wrap)] // the bits are a signed number
    let exponent = (high as i8) >> 3;
    #[allow(clippy::cast_possible_wrap)] // likewise: eleven bits, moved to the top and back
    let mantissa = ((word << 5) as i16) >> 5;
    f64::from(mantissa) * 2f64.powi(exponent.into())
}

/// The LINEAR11 word nearest to a number. None: it is not finite, or beyond ±33 521 664.
pub fn to_linear11(value: f64) -> Option<u16> {
    if !value.is_finite() {
        return None;
    }
    // The smallest exponent whose mantissa fits is the most exact.
    (-16..=15_i16).find_map(|exponent| {
        let mantissa = (value / 2f64.powi(exponent.into())).round();
        if !(-1024.0..=1023.0).contains(&mantissa) {
            return None;
        }
        #[allow(clippy::cast_possible_truncation)] // checked above
        let mantissa = mantissa as i16;
        #[allow(clippy::cast_sign_loss)] // bits
        let word = ((exponent << 11) | (mantissa & 0x7ff)) as u16;
        Some(word)
    })
}

/// A LINEAR16 mantissa as a number.
pub fn linear16(word: u16, exponent: i8) -> f64 {
    f64::from(word) * 2f64.powi(exponent.into())
}

/// The LINEAR16 mantissa nearest to a number. None: it does not fit, or is negative.
pub fn to_linear16(value: f64, exponent: i8) -> Option<u16> {
    fit(value / 2f64.powi(exponent.into()), 0.0, u16::MAX.into()).and_then(|mantissa| u16::try_from(mantissa).ok())
}

/// The coefficients of DIRECT.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coefficients {
    /// Slope; not zero.
    pub m: f64,
    /// Offset.
    pub b: f64,
    /// Power of ten.
    pub r: i8,
}

/// A DIRECT word as a number.
pub fn direct(word: u16, Coefficients { m, b, r }: Coefficients) -> f64 {
    #[allow(clippy::cast_possible_wrap)] // the bits are a signed number
    let raw = f64::from(word as i16);
    (raw * 10f64.powi(-i32::from(r)) - b) / m
}

/// The DIRECT word nearest to a number. None: it does not fit.
pub fn to_direct(value: f64, Coefficients { m, b, r }: Coefficients) -> Option<u16> {
    let raw = fit((m * value + b) * 10f64.powi(r.into()), i16::MIN.into(), i16::MAX.into())?;
    #[allow(clippy::cast_sign_loss)] // bits
    i16::try_from(raw).ok().map(|raw| raw as u16)
}

fn fit(value: f64, least: f64, most: f64) -> Option<i32> {
    let rounded = value.round();
    #[allow(clippy::cast_possible_truncation)] // 17 bits at most
    (least..=most).contains(&rounded).then_some(rounded as i32)
}

/// What `VOUT_MODE` says of the device's output voltages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VoutMode {
    /// LINEAR16 with this exponent.
    Linear {
        /// -16 to 15.
        exponent: i8,
    },
    /// A table of a processor's maker; ubmc does not read it.
    Vid {
        /// Which.
        table: u8,
    },
    /// DIRECT.
    Direct,
    /// Half-precision floating point; ubmc does not read it.
    IeeeHalf,
}

impl VoutMode {
    /// The low seven bits; the highest only says whether limits are relative to the voltage that is set.
    pub const fn from_byte(byte: u8) -> Self {
        match (byte >> 5) & 0b11 {
            0b00 => {
                #[allow(clippy::cast_possible_wrap)] // five bits, moved to the top and back
                let exponent = ((byte << 3) as i8) >> 3;
                Self::Linear { exponent }
            }
            0b01 => Self::Vid { table: byte & 0x1f },
            0b10 => Self::Direct,
            _ => Self::IeeeHalf,
        }
    }
}

/// The packet error code over address, command and data bytes: CRC-8 with the polynomial x⁸ + x² + x + 1.
///
/// The kernel appends and checks it where it is switched on; this is for whoever has the bytes alone.
pub fn packet_error_code(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ byte, |crc, _| if crc & 0x80 == 0 { crc << 1 } else { (crc << 1) ^ 0x07 })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn linear11_words_of_the_field() {
        for (word, value) in [
            (0x81ff, 0.007_797_241_210_937_5),
            (0x7802, 65536.0),
            (0x0c00, -2048.0),
            (0xd300, 12.0),
            (0xf3dc, 247.0),
            (0x0001, 1.0),
            (0x0000, 0.0),
        ] {
            assert_eq!(linear11(word).to_bits(), f64::to_bits(value), "{word:#06x}");
        }
    }

    #[test]
    fn linear16_mantissas_are_unsigned() {
        assert_eq!(linear16(0x9000, -12).to_bits(), 9f64.to_bits());
        assert_eq!(linear16(0xffff, 0).to_bits(), 65535f64.to_bits());
        assert_eq!(to_linear16(9.0, -12), Some(0x9000));
        assert_eq!(to_linear16(-0.1, -12), None);
        assert_eq!(to_linear16(16.0, -12), None, "65536 does not fit");
    }

    #[test]
    fn vout_mode_says_which_format_a_voltage_has() {
        for (byte, mode) in [
            (0x14, VoutMode::Linear { exponent: -12 }),
            (0x94, VoutMode::Linear { exponent: -12 }),
            (0x17, VoutMode::Linear { exponent: -9 }),
            (0x0f, VoutMode::Linear { exponent: 15 }),
            (0x10, VoutMode::Linear { exponent: -16 }),
            (0x21, VoutMode::Vid { table: 1 }),
            (0x40, VoutMode::Direct),
            (0x60, VoutMode::IeeeHalf),
            (0xe0, VoutMode::IeeeHalf),
        ] {
            assert_eq!(VoutMode::from_byte(byte), mode, "{byte:#04x}");
        }
    }

    #[test]
    fn a_direct_word_of_a_data_sheet() {
        let lm25066 = Coefficients { m: 4062.0, b: 0.0, r: -2 };
        let word = u16::from_le_bytes([0x6d, 0x07]);
        assert!((direct(word, lm25066) - 46.799_606).abs() < 1e-6, "{}", direct(word, lm25066));
        assert_eq!(to_direct(direct(word, lm25066), lm25066), Some(word));
        assert!(direct(0xffff, Coefficients { m: 1.0, b: 0.0, r: 0 }) < 0.0, "signed");
    }

    #[test]
    fn packet_error_codes() {
        // The check value that catalogues give for CRC-8/SMBUS.
        assert_eq!(packet_error_code(b"123456789"), 0xf4);
        assert_eq!(packet_error_code(&[]), 0);
        // A message followed by its own code gives zero.
        let message = [0xd0, 0x88, 0xd1, 0x6d, 0x07];
        let code = packet_error_code(&message);
        assert_eq!(packet_error_code(&[&message[..], &[code]].concat()), 0);
    }

    #[test]
    fn what_does_not_fit_is_not_written() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 33_521_665.0 + 16384.0, -33_570_817.0] {
            assert_eq!(to_linear11(value), None, "{value}");
            assert_eq!(to_direct(value, Coefficients { m: 1.0, b: 0.0, r: 0 }), None, "{value}");
        }
    }

    proptest! {
        #[test]
        fn every_linear11_word_is_a_number_that_is_written_as_an_equal_one(word: u16) {
            let value = linear11(word);
            prop_assert!(value.is_finite());
            prop_assert_eq!(to_linear11(value).map(linear11), Some(value));
        }

        #[test]
        fn every_number_in_range_is_written_within_a_half_of_the_last_bit(value in -33_000_000.0..33_000_000.0) {
            let written = linear11(to_linear11(value).unwrap());
            // Eleven signed bits: one part in 512 at worst, and the smallest step is 2^-16.
            prop_assert!((written - value).abs() <= (value.abs() / 1000.0).max(2f64.powi(-17)), "{value} {written}");
        }

        #[test]
        fn every_linear16_mantissa_comes_back(word: u16, exponent in -16_i8..16) {
            prop_assert_eq!(to_linear16(linear16(word, exponent), exponent), Some(word));
        }

        #[test]
        fn every_direct_word_comes_back(word: u16, m in 1.0..10_000.0, b in -1000.0..1000.0, r in -3_i8..4) {
            let coefficients = Coefficients { m, b, r };
            prop_assert_eq!(to_direct(direct(word, coefficients), coefficients), Some(word));
        }

        #[test]
        fn every_single_wrong_bit_is_seen(bytes in proptest::collection::vec(any::<u8>(), 1..8), bit in 0_usize..64) {
            let mut wrong = bytes.clone();
            let bit = bit % (bytes.len() * 8);
            wrong[bit / 8] ^= 1 << (bit % 8);
            prop_assert_ne!(packet_error_code(&bytes), packet_error_code(&wrong));
        }
    }
}
