// SPDX-License-Identifier: Apache-2.0

package poolmap

import (
	"encoding/binary"
	"math/bits"
	"net/netip"

	"metallb.io/metallb/api/ipam"
)

// Range is a range of a pool. It keeps the addresses that are used, and no others: what it costs does not depend on its size.
type Range struct {
	Range string `json:"range"`
	Used  int    `json:"used"`
	// Size is how many addresses of it the pool gives, saturating at math.MaxInt64.
	Size int64 `json:"size"`

	span   ipam.Range
	avoids bool
	used   []netip.Addr
}

// maxCells is how many cells a range has at most.
const maxCells = 256

// Cell is a part of a range: an address, or a block of addresses.
type Cell struct {
	// From is the first address.
	From netip.Addr
	Used int64
	// Size is how many of the addresses the pool gives; 0 if it avoids all.
	Size int64
}

// Bits returns how many addresses a cell stands for, as a power of two: 0 for one address. The last cell may have fewer.
func (r *Range) Bits() int {
	high, low := r.span.Offset(r.span.To)
	length := bits.Len64(low)
	if high > 0 {
		length = 64 + bits.Len64(high)
	}
	return max(0, length-bits.Len(maxCells-1))
}

// Cells returns the range in at most maxCells cells.
func (r *Range) Cells() []Cell {
	size := r.Bits()
	last := cellOf(r.span, r.span.To, size)
	cells := make([]Cell, last+1)
	for i := range cells {
		span := ipam.Range{From: at(r.span, uint64(i), size), To: r.span.To}
		if uint64(i) < last {
			span.To = at(r.span, uint64(i)+1, size).Prev()
		}
		part := ipam.Pool{Ranges: []ipam.Range{span}, AvoidBuggyIPs: r.avoids}
		ipv4, ipv6 := part.Size()
		cells[i] = Cell{From: span.From, Size: ipv4 + ipv6}
	}
	for _, a := range r.used {
		cells[cellOf(r.span, a, size)].Used++
	}
	return cells
}

// cellOf returns the number of the cell of a range that the address is in.
func cellOf(r ipam.Range, a netip.Addr, power int) uint64 {
	high, low := r.Offset(a)
	if power >= 64 {
		return high >> (power - 64)
	}
	return low>>power | high<<(64-power)
}

// at returns the address that begins a cell of a range.
func at(r ipam.Range, cell uint64, power int) netip.Addr {
	var high, low uint64
	if power >= 64 {
		high = cell << (power - 64)
	} else {
		high, low = cell>>(64-power), cell<<power
	}
	text := r.From.As16()
	sum, carry := bits.Add64(binary.BigEndian.Uint64(text[8:]), low, 0)
	binary.BigEndian.PutUint64(text[8:], sum)
	sum, _ = bits.Add64(binary.BigEndian.Uint64(text[:8]), high, carry)
	binary.BigEndian.PutUint64(text[:8], sum)
	return netip.AddrFrom16(text).Unmap()
}
