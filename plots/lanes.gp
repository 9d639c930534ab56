# Lanes: one row a loss with its mean and interval, all seeds drawn under it, the baseline as a vertical line.
#
# Columns: row (1, 2, ... from the top), label, kind, value, low, high, jitter. kind "mean": value with its interval;
# kind "seed": one value, moved up or down by jitter (-1 to 1). A mean whose value is a word ("failed") shows the word.
# Options (xlabel is required):
#   title, xlabel        xlabel with the unit: "Recall at FR 1 %"
#   xmin, xmax           the range of the values (that of the data)
#   value, value_label   a vertical line at the baseline's value (0 for differences) and its name above it
#   margin               a grey band "LOW,HIGH": the differences too small to matter
#   baseline             the row of tuned BCE, drawn in its blue

known = 'title xlabel xmin xmax value value_label margin baseline'
load scripts.'/style.gp'

if (columns != 7) { exit error "a lanes table has the columns row, label, kind, value, low, high, jitter" }
if (!has('xlabel')) { exit error "lanes needs the option xlabel" }

lanes = HIGH[1]
left = 24 + 8.0*WIDTH[2]
width = left + 440 + 20
top = 14. + title_height + (has('value_label') ? 22 : 0)
height = top + 36*lanes + 66
eval canvas(width, height)
set tmargin at screen 1 - top/height
set bmargin at screen 66./height
set lmargin at screen left/width
set rmargin at screen (left + 440)/width

set title string('title', '') offset 0, (has('value_label') ? 0.5 : 0)
set xlabel string('xlabel', '')
unset key
unset grid
set border 1
set grid xtics back lt 1 lw 0.6 lc rgb "#DDDDDD" dt 1
unset ytics
set yrange [lanes + 0.6:0.4]

# The range holds every number shown, with a margin of 4 %.
lowest(a, b) = a < b ? a : b
highest(a, b) = a > b ? a : b
low = COUNT[5] > 0 ? lowest(LOW[4], LOW[5]) : LOW[4]
high = COUNT[6] > 0 ? highest(HIGH[4], HIGH[6]) : HIGH[4]
if (has('value')) { low = lowest(low, number('value', 0)); high = highest(high, number('value', 0)) }
if (has('margin')) {
    margin = string('margin', '')
    margin_low = real(margin[1:strstrt(margin, ',')-1])
    margin_high = real(margin[strstrt(margin, ',')+1:*])
    low = lowest(low, margin_low); high = highest(high, margin_high)
}
space = high > low ? 0.04*(high - low) : 0.5
low = number('xmin', low - space); high = number('xmax', high + space)
set xrange [low:high]

# At most nine steps of one width, at steps of 1, 2 or 5.
decade = 10**floor(log10((high - low)/9))
step = (high - low)/9 < 2*decade ? 2*decade : (high - low)/9 < 5*decade ? 5*decade : 10*decade
set xtics step
set format x sprintf("%%.%df", step < 0.999 ? int(ceil(-log10(step) - 1e-9)) : 0)

if (has('margin')) {
    set object rectangle from margin_low, graph 0 to margin_high, graph 1 behind fs solid noborder fc rgb "#EDEDED"
}
if (has('value')) {
    value = number('value', 0)
    set arrow from first value, graph 0 to first value, graph 1 nohead dt 2 lw 1.2 lc rgb "#0072B2" back
    set label string('value_label', '') at first value, graph 1 center offset 0, 0.6 tc rgb "#0072B2" font small
}

# Seeds lie under the lane's mean; the baseline has its own blue.
baseline = number('baseline', 0)
is(k) = strcol(3) eq k
mean_hue(row) = row == baseline ? 0x0072B2 : 0x000000
seed_hue(row) = row == baseline ? 0x0072B2 : 0x777777
seed_place(row, jitter) = row + 0.25 + 0.09*jitter
plot data skip skip_lines using (is('seed') ? $4 : NaN):(seed_place($1, $7)):(seed_hue($1)) with points pt 6 ps 0.65*mark lw 0.9 lc rgb variable, \
     data skip skip_lines using (is('mean') ? $4 : NaN):($1 - 0.08):5:6:(mean_hue($1)) with xerrorbars pt 7 ps 0.9*mark lw 1.8 dt 1 lc rgb variable, \
     data skip skip_lines using (is('mean') ? low : NaN):1:(valid(4) ? '' : strcol(4)) with labels left offset 0.8, 0 tc rgb ink_grey font small, \
     data skip skip_lines using (is('mean') ? low : NaN):1:(strcol(2)) with labels right offset -1, 0 tc rgb ink_grey
