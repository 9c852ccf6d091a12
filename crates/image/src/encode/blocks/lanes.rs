//! The forward DCT on vectors whose 128-bit lanes hold a row of eight 16-bit values of a block each.
//!
//! One text for AVX2 (two blocks) and AVX-512 (four): the vector instructions of both work within such lanes alike.

/// Defines `forward`, which takes rows of samples less 128 and gives coefficients in transposed order, eight times
/// their size.
macro_rules! forward_dct {
    (
        features: $features:literal, vector: $vector:ty, count: $count:ty, shift: $shift:expr,
        add: $add:ident, sub: $sub:ident, multiply_onto: $multiply_onto:ident,
        shift_right: $shift_right:ident, shift_right_32: $shift_right_32:ident, shift_left: $shift_left:ident,
        pack: $pack:ident, set: $set:ident, set_32: $set_32:ident,
        low_16: $low_16:ident, high_16: $high_16:ident, low_32: $low_32:ident, high_32: $high_32:ident,
        low_64: $low_64:ident, high_64: $high_64:ident,
    ) => {
        /// A count of bits as the shifts want it.
        const fn shift(bits: u32) -> $count {
            $shift(bits)
        }

        #[inline]
        #[target_feature(enable = $features)]
        fn forward(rows: [$vector; 8]) -> [$vector; 8] {
            pass::<false>(exchange(pass::<true>(rows)))
        }

        /// Two constants for every pair of values.
        #[inline]
        #[target_feature(enable = $features)]
        fn pair(first: i16, second: i16) -> $vector {
            $set_32(i32::from(first) & 0xFFFF | i32::from(second) << 16)
        }

        /// Adds `a × first + b × second` to two vectors of 32 bits.
        #[inline]
        #[target_feature(enable = $features)]
        fn rotate(onto: ($vector, $vector), a: $vector, b: $vector, by: (i16, i16)) -> ($vector, $vector) {
            let by = pair(by.0, by.1);
            ($multiply_onto(onto.0, $low_16(a, b), by), $multiply_onto(onto.1, $high_16(a, b), by))
        }

        /// Bits that a pass takes off products.
        const fn taken_off(first: bool) -> $count {
            shift(if first { CONSTANT_BITS - BETWEEN_BITS } else { CONSTANT_BITS + BETWEEN_BITS })
        }

        /// Takes the bits off and puts both halves together.
        #[inline]
        #[target_feature(enable = $features)]
        fn narrowed<const FIRST: bool>(value: ($vector, $vector)) -> $vector {
            const FIRST_BITS: $count = taken_off(true);
            const SECOND_BITS: $count = taken_off(false);
            if FIRST {
                $pack($shift_right_32::<FIRST_BITS>(value.0), $shift_right_32::<FIRST_BITS>(value.1))
            } else {
                $pack($shift_right_32::<SECOND_BITS>(value.0), $shift_right_32::<SECOND_BITS>(value.1))
            }
        }

        #[inline]
        #[target_feature(enable = $features)]
        fn whole<const FIRST: bool>(value: $vector) -> $vector {
            if FIRST {
                $shift_left::<{ shift(BETWEEN_BITS) }>(value)
            } else {
                $shift_right::<{ shift(BETWEEN_BITS) }>($add(value, $set(1 << (BETWEEN_BITS - 1))))
            }
        }

        #[inline]
        #[target_feature(enable = $features)]
        fn pass<const FIRST: bool>(x: [$vector; 8]) -> [$vector; 8] {
            let [s0, s1, s2, s3] = [$add(x[0], x[7]), $add(x[1], x[6]), $add(x[2], x[5]), $add(x[3], x[4])];
            let [d0, d1, d2, d3] = [$sub(x[0], x[7]), $sub(x[1], x[6]), $sub(x[2], x[5]), $sub(x[3], x[4])];
            let [a, b, c, d] = [$add(s0, s3), $add(s1, s2), $sub(s1, s2), $sub(s0, s3)];
            let (z3, z4) = ($add(d3, d1), $add(d2, d0));
            // Sums begin with the half that rounds them.
            let half = $set_32(1 << (taken_off(FIRST) - 1));
            let half = (half, half);
            let odd_3 = rotate(half, z3, z4, (F1_175 - F1_961, F1_175));
            let odd_4 = rotate(half, z3, z4, (F1_175, F1_175 - F0_390));
            [
                whole::<FIRST>($add(a, b)),
                narrowed::<FIRST>(rotate(odd_4, d3, d0, (-F0_899, F1_501 - F0_899))),
                narrowed::<FIRST>(rotate(half, d, c, (F0_541 + F0_765, F0_541))),
                narrowed::<FIRST>(rotate(odd_3, d2, d1, (-F2_562, F3_072 - F2_562))),
                whole::<FIRST>($sub(a, b)),
                narrowed::<FIRST>(rotate(odd_4, d2, d1, (F2_053 - F2_562, -F2_562))),
                narrowed::<FIRST>(rotate(half, d, c, (F0_541, F0_541 - F1_847))),
                narrowed::<FIRST>(rotate(odd_3, d3, d0, (F0_298 - F0_899, -F0_899))),
            ]
        }

        /// Rows become columns, in every lane.
        #[inline]
        #[target_feature(enable = $features)]
        fn exchange(r: [$vector; 8]) -> [$vector; 8] {
            let pairs = [
                ($low_16(r[0], r[1]), $high_16(r[0], r[1])),
                ($low_16(r[2], r[3]), $high_16(r[2], r[3])),
                ($low_16(r[4], r[5]), $high_16(r[4], r[5])),
                ($low_16(r[6], r[7]), $high_16(r[6], r[7])),
            ];
            let fours = |a: $vector, b: $vector| ($low_32(a, b), $high_32(a, b));
            let (top_01, top_23) = fours(pairs[0].0, pairs[1].0);
            let (top_45, top_67) = fours(pairs[0].1, pairs[1].1);
            let (low_01, low_23) = fours(pairs[2].0, pairs[3].0);
            let (low_45, low_67) = fours(pairs[2].1, pairs[3].1);
            [
                $low_64(top_01, low_01),
                $high_64(top_01, low_01),
                $low_64(top_23, low_23),
                $high_64(top_23, low_23),
                $low_64(top_45, low_45),
                $high_64(top_45, low_45),
                $low_64(top_67, low_67),
                $high_64(top_67, low_67),
            ]
        }
    };
}
pub(super) use forward_dct;
