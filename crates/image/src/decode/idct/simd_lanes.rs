//! The 8-point transform over vectors of 128-bit lanes, once for every width of vector: a block a lane.
//!
//! Vectors of AVX2 and AVX-512 work alike within their lanes, so one text serves both; what moves data between lanes
//! stands with each.

/// Defines the transform for a kind of vector, with the intrinsics that it is made of.
macro_rules! lanes {
    (
        features: $features:literal, vector: $vector:ident, set1: $set1:ident, madd: $madd:ident, packs: $packs:ident,
        shift: $shift:ident, count: $count:ident, add16: $add16:ident, add32: $add32:ident, sub32: $sub32:ident, low16: $low16:ident,
        high16: $high16:ident, low32: $low32:ident, high32: $high32:ident, low64: $low64:ident, high64: $high64:ident
    ) => {
        /// A pair of constants for a multiply-add of interleaved inputs.
        #[target_feature(enable = $features)]
        #[inline]
        fn pair(a: i16, b: i16) -> $vector {
            $set1(i32::from(a) & 0xFFFF | i32::from(b) << 16)
        }

        /// Two vectors of 32-bit sums: for the low and the high half of each lane's elements.
        type Sums = [$vector; 2];

        #[target_feature(enable = $features)]
        #[inline]
        fn interleave(a: $vector, b: $vector) -> Sums {
            [$low16(a, b), $high16(a, b)]
        }

        /// a · x + b · y for interleaved a and b.
        #[target_feature(enable = $features)]
        #[inline]
        fn madd(ab: Sums, x: i16, y: i16) -> Sums {
            let constants = pair(x, y);
            [$madd(ab[0], constants), $madd(ab[1], constants)]
        }

        #[target_feature(enable = $features)]
        #[inline]
        fn add(a: Sums, b: Sums) -> Sums {
            [$add32(a[0], b[0]), $add32(a[1], b[1])]
        }

        #[target_feature(enable = $features)]
        #[inline]
        fn sub(a: Sums, b: Sums) -> Sums {
            [$sub32(a[0], b[0]), $sub32(a[1], b[1])]
        }

        /// Shifts sums that have their rounding in them, to 16 bits with saturation.
        #[target_feature(enable = $features)]
        #[inline]
        fn narrow<const SHIFT: $count>(sums: Sums) -> $vector {
            $packs($shift::<SHIFT>(sums[0]), $shift::<SHIFT>(sums[1]))
        }

        /// One pass of the 8-point transform over eight vectors.
        #[target_feature(enable = $features)]
        #[inline]
        fn pass_8<const SHIFT: $count>(c: [$vector; 8], round: $vector) -> [$vector; 8] {
            let round = [round, round];
            let c04 = interleave(c[0], c[4]);
            let t0 = add(madd(c04, ONE, ONE), round);
            let t1 = add(madd(c04, ONE, -ONE), round);
            let c26 = interleave(c[2], c[6]);
            let t2 = madd(c26, FIX_0_541, FIX_0_541 - FIX_1_847);
            let t3 = madd(c26, FIX_0_541 + FIX_0_765, FIX_0_541);
            let (e0, e3, e1, e2) = (add(t0, t3), sub(t0, t3), add(t1, t2), sub(t1, t2));

            let z = interleave($add16(c[7], c[3]), $add16(c[5], c[1]));
            let z3 = madd(z, FIX_1_175 - FIX_1_961, FIX_1_175);
            let z4 = madd(z, FIX_1_175, FIX_1_175 - FIX_0_390);
            let c71 = interleave(c[7], c[1]);
            let c53 = interleave(c[5], c[3]);
            let o3 = add(madd(c71, FIX_0_298 - FIX_0_899, -FIX_0_899), z3);
            let o2 = add(madd(c53, FIX_2_053 - FIX_2_562, -FIX_2_562), z4);
            let o1 = add(madd(c53, -FIX_2_562, FIX_3_072 - FIX_2_562), z3);
            let o0 = add(madd(c71, -FIX_0_899, FIX_1_501 - FIX_0_899), z4);
            [
                narrow::<SHIFT>(add(e0, o0)),
                narrow::<SHIFT>(add(e1, o1)),
                narrow::<SHIFT>(add(e2, o2)),
                narrow::<SHIFT>(add(e3, o3)),
                narrow::<SHIFT>(sub(e3, o3)),
                narrow::<SHIFT>(sub(e2, o2)),
                narrow::<SHIFT>(sub(e1, o1)),
                narrow::<SHIFT>(sub(e0, o0)),
            ]
        }

        /// Transposes an 8×8 matrix in each 128-bit lane.
        #[target_feature(enable = $features)]
        #[inline]
        fn transpose_8(r: [$vector; 8]) -> [$vector; 8] {
            let a: [$vector; 4] = std::array::from_fn(|i| $low16(r[2 * i], r[2 * i + 1]));
            let b: [$vector; 4] = std::array::from_fn(|i| $high16(r[2 * i], r[2 * i + 1]));
            let quarters = |p: [$vector; 4]| {
                let (low, high) = ($low32(p[0], p[1]), $high32(p[0], p[1]));
                let (low2, high2) = ($low32(p[2], p[3]), $high32(p[2], p[3]));
                [$low64(low, low2), $high64(low, low2), $low64(high, high2), $high64(high, high2)]
            };
            let ([q0, q1, q2, q3], [q4, q5, q6, q7]) = (quarters(a), quarters(b));
            [q0, q1, q2, q3, q4, q5, q6, q7]
        }
    };
}

/// Defines the 4-point transform for a kind of vector that [`lanes`] was defined for.
macro_rules! lanes_4 {
    (
        features: $features:literal, vector: $vector:ident, low16: $low16:ident, high16: $high16:ident, low32: $low32:ident,
        high32: $high32:ident, low64: $low64:ident, high64: $high64:ident
    ) => {
        /// One pass of the 4-point transform over four vectors.
        #[target_feature(enable = $features)]
        #[inline]
        fn pass_4<const SHIFT: i32>(c: [$vector; 4], round: $vector) -> [$vector; 4] {
            let round = [round, round];
            let c02 = interleave(c[0], c[2]);
            let c13 = interleave(c[1], c[3]);
            let even = add(madd(c02, ONE, ONE), round);
            let odd = add(madd(c02, ONE, -ONE), round);
            let outer = madd(c13, FIX_1_306, FIX_0_541);
            let inner = madd(c13, FIX_0_541, -FIX_1_306);
            [
                narrow::<SHIFT>(add(even, outer)),
                narrow::<SHIFT>(add(odd, inner)),
                narrow::<SHIFT>(sub(odd, inner)),
                narrow::<SHIFT>(sub(even, outer)),
            ]
        }

        /// Transposes a 4×4 matrix in each 64-bit quarter.
        #[target_feature(enable = $features)]
        #[inline]
        fn transpose_4(r: [$vector; 4]) -> [$vector; 4] {
            let (one, other) = ($low16(r[0], r[1]), $high16(r[0], r[1]));
            let (one2, other2) = ($low16(r[2], r[3]), $high16(r[2], r[3]));
            let (top, bottom) = ($low32(one, one2), $high32(one, one2));
            let (top2, bottom2) = ($low32(other, other2), $high32(other, other2));
            [$low64(top, top2), $high64(top, top2), $low64(bottom, bottom2), $high64(bottom, bottom2)]
        }
    };
}

pub(super) use {lanes, lanes_4};
