package main

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
)

// A field as the generator sees it. low and high are its bounds.
type field struct {
	low, high int
	names     []string
}

var (
	sixty      = field{0, 59, nil}
	hour       = field{0, 23, nil}
	dayOfMonth = field{1, 31, nil}
	month      = field{1, 12, strings.Fields("jan feb mar apr may jun jul aug sep oct nov dec")}
	dayOfWeek  = field{0, 6, strings.Fields("sun mon tue wed thu fri sat")}

	fiveFields = []field{sixty, hour, dayOfMonth, month, dayOfWeek}
	sixFields  = append([]field{sixty}, fiveFields...)
)

// generated makes count expressions: most of them well formed, the rest with a bad field, a mistyped character, odd
// white space or a wrong number of fields.
func generated(random *rand.Rand, count int, fields []field) []string {
	var expressions []string
	for range count {
		texts := make([]string, len(fields))
		for i, f := range fields {
			texts[i] = list(random, f)
		}
		separator := " "
		switch roll := random.IntN(100); {
		case roll < 12:
			i := random.IntN(len(fields))
			texts[i] = badField(random, fields[i])
		case roll < 16:
			separator = pick(random, "  ", "\t", " \n", "\u00a0", "\u2003", "\v", "\r\n")
			texts[0] = separator + texts[0]
		case roll < 18:
			texts = append(texts, list(random, dayOfWeek))
		case roll < 20:
			texts = texts[1:]
		}
		expression := strings.Join(texts, separator)
		if random.IntN(100) < 12 {
			expression = mistyped(random, expression)
		}
		// The one prefix where cronutil differs on purpose.
		if !strings.HasPrefix(expression, "TZ=") && !strings.HasPrefix(expression, "CRON_TZ=") {
			expressions = append(expressions, expression)
		}
	}
	return expressions
}

func list(random *rand.Rand, f field) string {
	parts := []string{part(random, f)}
	for random.IntN(4) == 0 {
		parts = append(parts, part(random, f))
	}
	return strings.Join(parts, ",")
}

func part(random *rand.Rand, f field) string {
	step := 1 + random.IntN(f.high+2)
	switch roll := random.IntN(100); {
	case roll < 25:
		return "*"
	case roll < 29:
		return "?"
	case roll < 40:
		return fmt.Sprintf("%s/%d", pick(random, "*", "*", "?"), step)
	case roll < 68:
		return value(random, f, between(random, f.low, f.high))
	case roll < 74:
		return fmt.Sprintf("%s/%d", value(random, f, between(random, f.low, f.high)), step)
	default:
		low := between(random, f.low, f.high)
		text := value(random, f, low) + "-" + value(random, f, between(random, low, f.high))
		if roll < 88 {
			return text
		}
		return fmt.Sprintf("%s/%d", text, step)
	}
}

// value writes a number, now and then by its name or with what the library's integers allow.
func value(random *rand.Rand, f field, number int) string {
	if f.names != nil && random.IntN(3) == 0 {
		name := f.names[number-f.low]
		return pick(random, name, strings.ToUpper(name), strings.ToUpper(name[:1])+name[1:])
	}
	switch random.IntN(30) {
	case 0:
		return fmt.Sprintf("%02d", number)
	case 1:
		return fmt.Sprintf("+%d", number)
	}
	return strconv.Itoa(number)
}

func badField(random *rand.Rand, f field) string {
	above := strconv.Itoa(f.high + 1 + random.IntN(3))
	below := strconv.Itoa(f.low - 1)
	within := strconv.Itoa(between(random, f.low, f.high))
	return pick(random,
		above, below, within+"-"+above, above+"-"+within, fmt.Sprintf("%d-%d", f.high, f.low), within+"/0", "*/0",
		"*/-1", "*/x", within+"/", "/"+within, "-"+within, within+"-", within+"-"+within+"-"+within, within+"/2/2", "L",
		within+"L", within+"#1", within+"W", "H", "H/5", "H(1-5)", ",", within+",", ","+within, ",,", "*-"+above, "*-x",
		"?-1-2-3", "**", "*"+within, within+"*", within+".0", "1e1", "0x1", "١", "1_0", "sunday", "xyz", "january", "",
		"*/"+above+"000", "*,"+above, "*-"+within+"/2", within+"/+2", "00"+within)
}

// mistyped replaces, inserts or drops one character.
func mistyped(random *rand.Rand, expression string) string {
	characters := []rune(expression)
	at := random.IntN(len(characters))
	typed := []rune("0123456789*?/-,,LW#HhJANmonTUE +@=.\t")
	switch random.IntN(3) {
	case 0:
		characters[at] = typed[random.IntN(len(typed))]
	case 1:
		characters = append(characters[:at], append([]rune{typed[random.IntN(len(typed))]}, characters[at:]...)...)
	default:
		characters = append(characters[:at], characters[at+1:]...)
	}
	return string(characters)
}

func between(random *rand.Rand, low, high int) int { return low + random.IntN(high-low+1) }

func pick(random *rand.Rand, texts ...string) string { return texts[random.IntN(len(texts))] }
