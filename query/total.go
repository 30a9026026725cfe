package query

import (
	"math/big"
	"strconv"

	"github.com/org/aegis/modelspec"
)

// farthestSum is how many digits before or behind the point a number may have
// to be added.
const farthestSum = 1000

// digitsOfAvg is to how many digits a quotient is rounded, as in IEEE 754
// decimal128.
const digitsOfAvg = 34

// total is an exact sum: small where it has always been whole and fits, else
// coef times ten to the power of exp.
type total struct {
	small int64
	coef  *big.Int
	exp   int64
}

func (t *total) add(text string) error {
	if n, ok := smallInt(text); ok && t.coef == nil {
		if sum := t.small + n; (sum > t.small) == (n > 0) {
			t.small = sum
			return nil
		}
	}
	d := decimalOf(text)
	if d.point > farthestSum || int64(len(d.digits))-d.point > farthestSum {
		return &modelspec.Error{Code: modelspec.ErrRefused, Message: "a number has over 1,000 digits before or behind the point"}
	}
	if t.coef == nil {
		t.coef, t.exp = big.NewInt(t.small), 0
	}
	coef, exp := d.big()
	if exp < t.exp {
		t.coef.Mul(t.coef, tenTo(t.exp-exp))
		t.exp = exp
	}
	t.coef.Add(t.coef, coef.Mul(coef, tenTo(exp-t.exp)))
	return nil
}

func tenTo(n int64) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(n), nil) }

// big returns d as a whole number times a power of ten.
func (d decimal) big() (coef *big.Int, exp int64) {
	coef = new(big.Int)
	if d.digits == "" {
		return coef, 0
	}
	coef.SetString(d.digits, 10)
	if d.neg {
		coef.Neg(coef)
	}
	return coef, d.point - int64(len(d.digits))
}

func (t *total) decimal() decimal {
	if t.coef == nil {
		return decimalOf(strconv.FormatInt(t.small, 10))
	}
	return decimalOf(t.coef.String() + "e" + strconv.FormatInt(t.exp, 10))
}

// over returns the total divided by n, rounded to the nearest of 34 digits, to
// the even one of two.
func (t *total) over(n int64) decimal {
	coef, exp := t.decimal().big()
	if coef.Sign() == 0 {
		return decimal{}
	}
	if more := int64(digitsOfAvg + 2 + len(strconv.FormatInt(n, 10)) - len(coef.Text(10))); more > 0 {
		coef.Mul(coef, tenTo(more))
		exp -= more
	}
	quotient, rest := new(big.Int).QuoRem(coef, big.NewInt(n), new(big.Int))
	neg := coef.Sign() < 0
	quotient.Abs(quotient)
	if extra := int64(len(quotient.Text(10)) - digitsOfAvg); extra > 0 {
		unit := tenTo(extra)
		low := new(big.Int)
		quotient.QuoRem(quotient, unit, low)
		half := low.Lsh(low, 1).Cmp(unit)
		if half > 0 || half == 0 && (rest.Sign() != 0 || quotient.Bit(0) == 1) {
			quotient.Add(quotient, big.NewInt(1))
		}
		exp += extra
	}
	d := decimalOf(quotient.String() + "e" + strconv.FormatInt(exp, 10))
	d.neg = neg
	return d
}
