// SPDX-License-Identifier: Apache-2.0

package picture

import (
	"fmt"
	"math/big"
	"net/netip"
	"slices"
	"strings"

	"metallb.io/metallb/api/ipam"
	"metallb.io/metallb/controllers/assignment"
	"metallb.io/metallb/plugin/cluster"
	"metallb.io/metallb/plugin/overview"
)

// Pool is an IPAddressPool with the map of its ranges.
type Pool struct {
	Level     Level   `json:"level"`
	Used      int64   `json:"used"`
	Available int64   `json:"available"`
	Share     float64 `json:"share"`
	// Ranges are drawn; More of them are not.
	Ranges []Range `json:"ranges"`
	More   int     `json:"more"`
}

// Range is the map of a range of addresses.
type Range struct {
	// Name is how the range is written.
	Name string `json:"name"`
	// Cells has a digit for each block of addresses: from 0, where all are free, to 9, where all are used.
	Cells string `json:"cells"`
	// Block is how many addresses a cell has, as a number for people.
	Block string `json:"block"`
	// Rest is whether the range goes on behind the cells, with free addresses only.
	Rest bool `json:"rest"`
}

// Cell is a block of addresses, and who holds them.
type Cell struct {
	Name    string   `json:"name"`
	Heat    int      `json:"heat"`
	Holders []string `json:"holders"`
}

const (
	// bitsOfCells is of how many bits the number of a cell in a range is, so that at most 256 are drawn.
	bitsOfCells = 8
	// leastCells are drawn of a large range, even if fewer addresses are used.
	leastCells = 64
	// maxRanges is how many ranges of a pool are drawn.
	maxRanges = 4
)

// holder is an address and the Service that has it.
type holder struct {
	address netip.Addr
	service string
}

// pool is a pool and who holds its addresses, in their order.
type pool struct {
	name    string
	level   Level
	ranges  []ipam.Range
	holders []holder
}

func (p *Picture) addPools(o overview.Overview) {
	held := map[string][]holder{}
	for i := range p.cluster.Services {
		svc := &p.cluster.Services[i]
		if !assignment.Served(svc, p.cluster.Class) {
			continue
		}
		for _, a := range assignment.Of(svc) {
			held[a.Pool] = append(held[a.Pool], holder{a.Address, svc.Namespace + "/" + svc.Name})
		}
	}
	parsed := map[string][]ipam.Range{}
	inUse := p.cluster.InUse()
	for i := range inUse.Pools {
		// If it is not known who holds addresses, none is drawn as free.
		if one, errs := ipam.ParsePool(&inUse.Pools[i]); len(errs) == 0 && p.cluster.Has(cluster.Services) {
			parsed[one.Name] = one.Ranges
		}
	}
	for _, one := range o.Pools {
		holders := held[one.Name]
		slices.SortFunc(holders, func(a, b holder) int { return a.address.Compare(b.address) })
		p.pools = append(p.pools, pool{one.Name, levelOfPool(one), parsed[one.Name], holders})
	}
	fullest := slices.Clone(o.Pools)
	slices.SortStableFunc(fullest, func(a, b overview.Pool) int { return strings.Compare(b.Name, a.Name) })
	slices.SortStableFunc(fullest, func(a, b overview.Pool) int { return cmpShare(usage(b), usage(a)) })
	for _, one := range fullest[:min(len(fullest), maxPools)] {
		u := usage(one)
		drawn := Pool{Level: levelOfPool(one), Used: u.Assigned, Available: u.Available, Share: u.Share(), Ranges: []Range{}}
		found, _ := p.poolByName(one.Name)
		for _, r := range found.ranges[:min(len(found.ranges), maxRanges)] {
			drawn.Ranges = append(drawn.Ranges, newWindow(r, found.holders).drawn())
		}
		drawn.More = len(found.ranges) - len(drawn.Ranges)
		p.Front.Pools[one.Name] = drawn
	}
}

func cmpShare(a, b overview.Usage) int {
	switch x, y := a.Share(), b.Share(); {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

// usage is that of the family of which more is used.
func usage(p overview.Pool) overview.Usage {
	var u overview.Usage
	for _, of := range []*overview.Usage{p.IPv4, p.IPv6} {
		if of != nil && (u == overview.Usage{} || of.Share() > u.Share()) {
			u = *of
		}
	}
	return u
}

func levelOfPool(p overview.Pool) Level {
	if usage(p).Available == 0 {
		return Warn
	}
	return OK
}

func (p *Picture) poolByName(name string) (pool, bool) {
	i := slices.IndexFunc(p.pools, func(one pool) bool { return one.name == name })
	if i < 0 {
		return pool{}, false
	}
	return p.pools[i], true
}

// window is the part of a range that is drawn: all, or of a large one the first addresses, up to the last that is used.
type window struct {
	ipam.Range
	// shift is how many bits of the offset of an address do not matter for its cell.
	shift uint
	// sizes and used have an entry for each cell.
	sizes []*big.Int
	used  [][]holder
	rest  bool
}

func newWindow(r ipam.Range, all []holder) *window {
	w := &window{Range: r}
	holders := slices.DeleteFunc(slices.Clone(all), func(h holder) bool { return !r.Contains(h.address) })
	total := new(big.Int).Add(offset(r.From, r.To), big.NewInt(1))
	length := total
	if total.BitLen() > bitsOfLarge {
		length = big.NewInt(leastCells)
		for len(holders) > 0 && offset(r.From, holders[len(holders)-1].address).Cmp(length) >= 0 {
			length.Lsh(length, 1)
		}
		if length.Cmp(total) > 0 {
			length = total
		}
	}
	w.rest = length.Cmp(total) < 0
	last := new(big.Int).Sub(length, big.NewInt(1))
	w.shift = uint(max(0, last.BitLen()-bitsOfCells))
	w.fill(length, holders)
	return w
}

// bitsOfLarge is from how many bits on only the part of a range is drawn that is used.
const bitsOfLarge = 16

func (w *window) fill(length *big.Int, holders []holder) {
	block := new(big.Int).Lsh(big.NewInt(1), w.shift)
	for left := new(big.Int).Set(length); left.Sign() > 0; left.Sub(left, block) {
		size := block
		if left.Cmp(block) < 0 {
			size = new(big.Int).Set(left)
		}
		w.sizes = append(w.sizes, size)
	}
	w.used = make([][]holder, len(w.sizes))
	for _, h := range holders {
		i := offset(w.From, h.address)
		i.Rsh(i, w.shift)
		w.used[i.Int64()] = append(w.used[i.Int64()], h)
	}
}

// offset returns how far an address is behind the first.
func offset(first, a netip.Addr) *big.Int {
	x, y := first.As16(), a.As16()
	return new(big.Int).Sub(new(big.Int).SetBytes(y[:]), new(big.Int).SetBytes(x[:]))
}

// heat returns from 0 to 9 how much of a cell is used. Only one that is wholly free has 0, and only one that is wholly used 9.
func (w *window) heat(cell int) int {
	distinct := 0
	for i, h := range w.used[cell] {
		if i == 0 || w.used[cell][i-1].address != h.address {
			distinct++
		}
	}
	n := big.NewInt(int64(distinct))
	switch {
	case distinct == 0:
		return 0
	case n.Cmp(w.sizes[cell]) >= 0:
		return 9
	}
	n.Mul(n, big.NewInt(8)).Div(n, w.sizes[cell])
	return 1 + int(n.Int64())
}

func (w *window) drawn() Range {
	var text strings.Builder
	for i := range w.sizes {
		fmt.Fprintf(&text, "%d", w.heat(i))
	}
	return Range{Name: w.String(), Cells: text.String(), Block: blockSize(w.shift), Rest: w.rest}
}

func blockSize(shift uint) string {
	if shift < 20 {
		return fmt.Sprint(1 << shift)
	}
	return fmt.Sprintf("2^%d", shift)
}

// maxHolders is how many holders of a cell are named.
const maxHolders = 5

// cells returns each cell with its name and its holders.
func (w *window) cells() []Cell {
	all := make([]Cell, 0, len(w.sizes))
	block := new(big.Int).Lsh(big.NewInt(1), w.shift)
	first := offset(netip.IPv6Unspecified(), w.From)
	for i, size := range w.sizes {
		last := new(big.Int).Add(first, size)
		last.Sub(last, big.NewInt(1))
		c := Cell{Name: ipam.Range{From: address(first, w.From), To: address(last, w.From)}.String(), Heat: w.heat(i), Holders: []string{}}
		c.Name = strings.TrimSuffix(strings.TrimSuffix(c.Name, "/32"), "/128")
		for _, h := range w.used[i][:min(len(w.used[i]), maxHolders)] {
			c.Holders = append(c.Holders, h.service)
		}
		all = append(all, c)
		first = new(big.Int).Add(first, block)
	}
	return all
}

// address returns that of a number, in the family of another.
func address(n *big.Int, like netip.Addr) netip.Addr {
	var bytes [16]byte
	n.FillBytes(bytes[:])
	a := netip.AddrFrom16(bytes)
	if like.Is4() {
		return a.Unmap()
	}
	return a
}
